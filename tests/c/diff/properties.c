/* Property functions, names and types, reason code names. Needs no broker. */
#include "MQTTClient.h"
#include "properties.h"

static void show(const char *what, const MQTTProperties *properties)
{
	char text[2048];
	printf("%s: count %d length %d %s\n", what, properties->count, properties->length, render_properties(text, sizeof(text), properties));
}

static void identifiers(void)
{
	int id;

	for (id = -2; id <= 300; id++)
	{
		const char *name = MQTTPropertyName((enum MQTTPropertyCodes)id);
		printf("id %d: name %s type %d\n", id, name ? name : "NULL", MQTTProperty_getType((enum MQTTPropertyCodes)id));
	}
}

static void reason_codes(void)
{
	int code;

	for (code = -1; code <= 256; code++)
	{
		const char *name = MQTTReasonCode_toString((enum MQTTReasonCodes)code);
		printf("reason %d: %s\n", code, name ? name : "NULL");
	}
}

/* One property of every identifier, valid ones and not: what add returns, and what the encoded length becomes. */
static void add_each(void)
{
	int id;

	for (id = 0; id <= 50; id++)
	{
		MQTTProperties properties = MQTTProperties_initializer;
		MQTTProperty p;
		int rc, type = MQTTProperty_getType((enum MQTTPropertyCodes)id);

		memset(&p, 0, sizeof(p));
		p.identifier = (enum MQTTPropertyCodes)id;
		if (type == MQTTPROPERTY_TYPE_BINARY_DATA || type == MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING || type == MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR)
		{
			p.value.data.data = "abc";
			p.value.data.len = 3;
			p.value.value.data = "defg";
			p.value.value.len = 4;
		}
		else
			p.value.integer4 = 0x00010203;
		rc = MQTTProperties_add(&properties, &p);
		printf("MQTTProperties_add(id %d) = %d, count %d length %d\n", id, rc, properties.count, properties.length);
		MQTTProperties_free(&properties);
	}
}

/* The variable byte integer grows at 128, 16384, 2097152. */
static void variable_lengths(void)
{
	static const unsigned int values[] = {0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		MQTTProperties properties = MQTTProperties_initializer;
		add_number(&properties, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, values[i]);
		printf("subscription identifier %u: length %d, value %d\n", values[i], properties.length,
		       (int)MQTTProperties_getNumericValue(&properties, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER));
		MQTTProperties_free(&properties);
	}
}

static void lookups(void)
{
	static const enum MQTTPropertyCodes ids[] = {
		MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, MQTTPROPERTY_CODE_CONTENT_TYPE,
		MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, MQTTPROPERTY_CODE_TOPIC_ALIAS, MQTTPROPERTY_CODE_USER_PROPERTY,
		MQTTPROPERTY_CODE_CORRELATION_DATA, MQTTPROPERTY_CODE_REASON_STRING, (enum MQTTPropertyCodes)0, (enum MQTTPropertyCodes)99};
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperties copy;
	char number[16];
	size_t i;
	int index;

	show("empty", &properties);
	add_number(&properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
	add_number(&properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, 0xFFFFFFFFu);
	add_text(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
	add_text(&properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "");
	add_number(&properties, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 5);
	add_number(&properties, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 300);
	add_number(&properties, MQTTPROPERTY_CODE_TOPIC_ALIAS, 65535);
	add_pair(&properties, "first", "1");
	add_pair(&properties, "", "");
	add_pair(&properties, "first", "2");
	show("filled", &properties);

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
	{
		printf("id %d: has %d count %d number %d\n", (int)ids[i], MQTTProperties_hasProperty(&properties, ids[i]),
		       MQTTProperties_propertyCount(&properties, ids[i]), (int)MQTTProperties_getNumericValue(&properties, ids[i]));
		for (index = -1; index <= 3; index++)
		{
			MQTTProperty *found = MQTTProperties_getPropertyAt(&properties, ids[i], index);
			printf("  at %d: number %d property %s\n", index, (int)MQTTProperties_getNumericValueAt(&properties, ids[i], index),
			       found ? "found" : "NULL");
			if (found)
				printf("    slot %d\n", (int)(found - properties.array));
		}
		printf("  getProperty slot %d\n", MQTTProperties_getProperty(&properties, ids[i])
		       ? (int)(MQTTProperties_getProperty(&properties, ids[i]) - properties.array) : -1);
	}

	/* Past the first allocation's size, and a copy that shares nothing with it. */
	for (index = 0; index < 40; index++)
	{
		snprintf(number, sizeof(number), "n%d", index);
		add_pair(&properties, number, "v");
	}
	copy = MQTTProperties_copy(&properties);
	properties.array[2].value.data.data[0] = 'T';
	show("grown", &properties);
	show("copy", &copy);
	printf("copy is apart: %d\n", copy.array != properties.array && copy.array[2].value.data.data != properties.array[2].value.data.data);
	MQTTProperties_free(&properties);
	show("freed", &properties);
	MQTTProperties_free(&properties);
	show("freed twice", &properties);
	add_number(&properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
	show("used again", &properties);
	MQTTProperties_free(&properties);
	MQTTProperties_free(&copy);
	copy = MQTTProperties_copy(&properties);
	show("copy of empty", &copy);
	MQTTProperties_free(&copy);
}

static void nulls(void)
{
	MQTTProperties empty = MQTTProperties_initializer;
	MQTTProperty p;

	memset(&p, 0, sizeof(p));
	p.identifier = MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR;
	ISOLATED("MQTTProperties_free(NULL)") { MQTTProperties_free(NULL); }
	CRASHES_ORIGINAL("lookups in NULL")
	{
		SHOW(MQTTProperties_hasProperty(NULL, MQTTPROPERTY_CODE_USER_PROPERTY));
		SHOW(MQTTProperties_propertyCount(NULL, MQTTPROPERTY_CODE_USER_PROPERTY));
		SHOW(MQTTProperties_getNumericValue(NULL, MQTTPROPERTY_CODE_TOPIC_ALIAS));
		SHOW(MQTTProperties_getNumericValueAt(NULL, MQTTPROPERTY_CODE_TOPIC_ALIAS, 0));
		SHOW(MQTTProperties_getProperty(NULL, MQTTPROPERTY_CODE_TOPIC_ALIAS) == NULL);
		SHOW(MQTTProperties_getPropertyAt(NULL, MQTTPROPERTY_CODE_TOPIC_ALIAS, 0) == NULL);
	}
	CRASHES_ORIGINAL("MQTTProperties_copy(NULL)") { empty = MQTTProperties_copy(NULL); show("copy of NULL", &empty); }
	CRASHES_ORIGINAL("MQTTProperties_add(NULL, p)") { SHOW(MQTTProperties_add(NULL, &p)); }
	CRASHES_ORIGINAL("MQTTProperties_add(props, NULL)") { SHOW(MQTTProperties_add(&empty, NULL)); }
	ISOLATED("MQTTProperties_add with NULL data of length 0")
	{
		p.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE;
		SHOW(MQTTProperties_add(&empty, &p));
		show("after", &empty);
	}
	CRASHES_ORIGINAL("MQTTProperties_add with NULL data of length 3")
	{
		p.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE;
		p.value.data.len = 3;
		SHOW(MQTTProperties_add(&empty, &p));
	}
	CRASHES_ORIGINAL("MQTTProperties_add with length -1")
	{
		p.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE;
		p.value.data.data = "abc";
		p.value.data.len = -1;
		SHOW(MQTTProperties_add(&empty, &p));
	}
}

int main(void)
{
	MQTTClient client;

	CRASHES_ORIGINAL("more than ten properties before any client exists")
	{
		MQTTProperties properties = MQTTProperties_initializer;
		int i;
		for (i = 0; i < 30; i++)
			add_number(&properties, MQTTPROPERTY_CODE_TOPIC_ALIAS, (unsigned int)i);
		show("thirty", &properties);
		MQTTProperties_free(&properties);
	}
	nulls();
	if (getenv("DIFF_MODE"))
		return 0;
	/* The original can grow a list past ten entries only once a client has been created. */
	SHOW(MQTTClient_create(&client, "tcp://localhost:1", "properties", MQTTCLIENT_PERSISTENCE_NONE, NULL));
	identifiers();
	reason_codes();
	add_each();
	variable_lengths();
	lookups();
	MQTTClient_destroy(&client);
	return 0;
}
