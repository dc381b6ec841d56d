/* Rendering of MQTT 5 properties, for the programs that include an API header first. */
#ifndef DIFF_PROPERTIES_H
#define DIFF_PROPERTIES_H

#include "MQTTProperties.h"
#include "diff.h"

static UNUSED void render_append(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, size - used, format, args);
	va_end(args);
}

/* `{NAME=value, ...}` in the order of the array. */
static UNUSED const char *render_properties(char *out, size_t size, const MQTTProperties *properties)
{
	int i;

	snprintf(out, size, "{");
	for (i = 0; properties && i < properties->count; i++)
	{
		const MQTTProperty *p = &properties->array[i];
		const char *name = MQTTPropertyName(p->identifier);

		render_append(out, size, "%s%s=", i ? ", " : "", name ? name : "NULL");
		switch (MQTTProperty_getType(p->identifier))
		{
		case MQTTPROPERTY_TYPE_BYTE:
			render_append(out, size, "%d", p->value.byte);
			break;
		case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
			render_append(out, size, "%d", p->value.integer2);
			break;
		case MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER:
		case MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
			render_append(out, size, "%u", p->value.integer4);
			break;
		case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR:
			render_append(out, size, "%.*s:%.*s", p->value.data.len, p->value.data.data, p->value.value.len, p->value.value.data);
			break;
		default:
			render_append(out, size, "%.*s", p->value.data.len, p->value.data.data);
			break;
		}
	}
	render_append(out, size, "}");
	return out;
}

static UNUSED void add_number(MQTTProperties *properties, enum MQTTPropertyCodes id, unsigned int value)
{
	MQTTProperty p;

	memset(&p, 0, sizeof(p));
	p.identifier = id;
	switch (MQTTProperty_getType(id))
	{
	case MQTTPROPERTY_TYPE_BYTE:
		p.value.byte = (unsigned char)value;
		break;
	case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
		p.value.integer2 = (unsigned short)value;
		break;
	default:
		p.value.integer4 = value;
		break;
	}
	if (MQTTProperties_add(properties, &p) != 0)
		printf("  MQTTProperties_add(%d) failed\n", id);
}

static UNUSED void add_text(MQTTProperties *properties, enum MQTTPropertyCodes id, const char *text)
{
	MQTTProperty p;

	memset(&p, 0, sizeof(p));
	p.identifier = id;
	p.value.data.data = (char *)text;
	p.value.data.len = (int)strlen(text);
	if (MQTTProperties_add(properties, &p) != 0)
		printf("  MQTTProperties_add(%d) failed\n", id);
}

static UNUSED void add_pair(MQTTProperties *properties, const char *name, const char *value)
{
	MQTTProperty p;

	memset(&p, 0, sizeof(p));
	p.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
	p.value.data.data = (char *)name;
	p.value.data.len = (int)strlen(name);
	p.value.value.data = (char *)value;
	p.value.value.len = (int)strlen(value);
	if (MQTTProperties_add(properties, &p) != 0)
		printf("  MQTTProperties_add(user property) failed\n");
}

#endif
