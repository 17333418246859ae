import { readFileSync } from 'node:fs'
import { purposesOf } from '../src/lib/graph-permissions.ts'
import type { Tool } from '../src/plugins/mcp/tool.ts'

const schema = 'https://developer.microsoft.com/json-schemas/copilot/plugin/v2.4/schema.json'
const messageCard: unknown = JSON.parse(readFileSync(new URL('message-card.json', import.meta.url), 'utf8'))

/** Where the messages of a tool's answer are (JSONPath, RFC 9535). A tool that is not here is answered in words alone. */
const messagesOf: Readonly<Record<string, string>> = { getMessages: '$.value', getMessage: '$' }

/**
 * The tools as Copilot reads them, `ai-plugin.json`: what `tools/list` answers, which is the same for every caller, and
 * how their answers are cited and shown. The address and the sign-in are left to the environment: `${{…}}`.
 * Source: Microsoft, "Plugin manifest schema 2.4 for Microsoft 365 Copilot".
 */
export function pluginManifest(tools: readonly Tool[]) {
  const definitions = tools.map(({ definition }) => definition)
  const readOnly = definitions.every(({ annotations }) => annotations.readOnlyHint)
  return {
    $schema: schema,
    schema_version: 'v2.4',
    name_for_human: 'Message Center',
    namespace: 'messagecenter',
    description_for_human: `Lets Copilot ${purposesOf(tools)}, as you.`,
    description_for_model:
      `May ${purposesOf(tools)} of the tenant's Microsoft 365, as the signed-in administrator. ` +
      `${readOnly ? 'It changes nothing. ' : ''}The Message Center has changes to come, new features, retirements, and ` +
      'what has to be done by when: list posts with getMessages, narrowed by its arguments; read one in full with ' +
      'getMessage.',
    functions: definitions.map(({ name, description, annotations }) => ({
      name,
      description,
      capabilities: {
        // What only reads asks nobody first; for anything else, Copilot asks.
        ...(annotations.readOnlyHint && { confirmation: { type: 'None' } }),
        security_info: { data_handling: [annotations.readOnlyHint ? 'GetPrivateData' : 'ResourceStateUpdate'] },
        ...(messagesOf[name] !== undefined && { response_semantics: messages(messagesOf[name]) }),
      },
    })),
    runtimes: [
      {
        type: 'RemoteMCPServer',
        auth: { type: 'OAuthPluginVault', reference_id: variable('OAUTH_REGISTRATION_ID') },
        run_for_functions: definitions.map(({ name }) => name),
        spec: { url: `${variable('PUBLIC_BASE_URL')}/mcp`, mcp_tool_description: { tools: definitions } },
      },
    ],
  }
}

/** A value that the environment gives when the app is packed. */
function variable(name: string): string {
  return `\${{${name}}}`
}

function messages(dataPath: string) {
  return {
    data_path: dataPath,
    properties: { title: '$.title', subtitle: '$.id', url: '$.url' },
    static_template: messageCard,
  }
}
