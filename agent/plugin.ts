import { readFileSync } from 'node:fs'
import { purposesOf } from '../src/lib/graph-permissions.ts'
import type { Tool } from '../src/plugins/mcp/tool.ts'

const schema = 'https://developer.microsoft.com/json-schemas/copilot/plugin/v2.4/schema.json'
const messageCard: unknown = JSON.parse(readFileSync(new URL('message-card.json', import.meta.url), 'utf8'))

/** JSONPath (RFC 9535) of the messages in a tool's result. Results of other tools are shown without cards. */
const messagePaths: Readonly<Record<string, string>> = { getMessages: '$.value', getMessage: '$' }

/**
 * Generates `ai-plugin.json` from the tools: the result of `tools/list`, which is the same for every caller, and how
 * results are cited and shown. URL and OAuth registration are variables: `${{…}}`.
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
      'what has to be done by when: start with getDigest for what is new, due or retired; find posts with getMessages, ' +
      'narrowed by its arguments; read one in full, with the dates in its text, with getMessage.',
    functions: definitions.map(({ name, description, annotations }) => ({
      name,
      description,
      capabilities: {
        // Copilot asks for confirmation unless a tool is read-only.
        ...(annotations.readOnlyHint && { confirmation: { type: 'None' } }),
        security_info: { data_handling: [annotations.readOnlyHint ? 'GetPrivateData' : 'ResourceStateUpdate'] },
        ...(messagePaths[name] !== undefined && { response_semantics: messages(messagePaths[name]) }),
      },
    })),
    runtimes: [
      {
        type: 'RemoteMCPServer',
        auth: { type: 'OAuthPluginVault', reference_id: placeholder('OAUTH_REGISTRATION_ID') },
        run_for_functions: definitions.map(({ name }) => name),
        spec: { url: `${placeholder('PUBLIC_BASE_URL')}/mcp`, mcp_tool_description: { tools: definitions } },
      },
    ],
  }
}

/** A variable that is substituted when the app is packed. */
function placeholder(name: string): string {
  return `\${{${name}}}`
}

function messages(dataPath: string) {
  return {
    data_path: dataPath,
    // Rows of a digest have no address; the card makes it of the id.
    properties: { title: '$.title', subtitle: '$.id', ...(dataPath !== '$.top' && { url: '$.url' }) },
    static_template: messageCard,
  }
}
