/* Which codes have an error text, in both APIs, and the names in the version information. Needs no broker.
 *
 * The texts themselves are each library's own; what a program may rely on is which codes have one. */
#include "MQTTClient.h"
#include "diff.h"

int main(void)
{
	MQTTClient_nameValue *info;
	int code;

	for (code = -40; code <= 10; code++)
	{
		const char *text = MQTTClient_strerror(code);
		printf("MQTTClient_strerror(%d): %s\n", code, !text ? "NULL" : strstr(text, "nknown error") ? "unknown" : "text");
	}
	for (info = MQTTClient_getVersionInfo(); info && info->name; info++)
		printf("%s: %s\n", info->name, info->value && info->value[0] ? "has a value" : "empty");
	return 0;
}
