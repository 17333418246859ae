import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import Ajv from 'ajv-draft-04'
import addFormats from 'ajv-formats'
import { parse as parseYaml } from 'yaml'
import { fill, manifests, type Variables } from '../../agent/package.ts'

const folder = new URL('../../agent/', import.meta.url)
export const readAgentFile = (path: string) => readFileSync(new URL(path, folder), 'utf8')

/** An environment after `provision`: the sample's values, and what the actions write. */
export const provisioned: Variables = {
  ...parseEnv(readAgentFile('env/.env.dev.sample')),
  MCP_OAUTH_CLIENT_ID: '66666666-7777-4888-9999-aaaaaaaaaaaa',
  TEAMS_APP_ID: '11111111-2222-4333-8444-555555555555',
  OAUTH_REGISTRATION_ID: 'b3V0aA==',
}

/** Any JSON object; tests say which members they expect. */
export type Json = Record<string, unknown>

export interface Plugin extends Json {
  name_for_human: string
  description_for_human: string
  description_for_model: string
  functions: PluginFunction[]
  runtimes: PluginRuntime[]
}
export interface PluginFunction extends Json {
  name: string
  capabilities: {
    confirmation?: { type: string }
    security_info?: { data_handling: string[] }
    response_semantics?: { data_path: string; properties: Record<string, string>; static_template: Json }
  }
}
export interface PluginRuntime extends Json {
  type: string
  auth: { type: string; reference_id: string }
  run_for_functions: string[]
  spec: { url: string; mcp_tool_description: { tools: ListedTool[] } }
}
export interface ListedTool extends Json {
  name: string
  description: string
  annotations: { readOnlyHint: boolean }
}
export interface DeclarativeAgent extends Json {
  instructions: string
  disclaimer: { text: string }
  conversation_starters: { title: string; text: string }[]
  actions: { id: string; file: string }[]
}
export interface AppManifest extends Json {
  icons: { color: string; outline: string }
  validDomains: string[]
  copilotAgents: { declarativeAgents: { id: string; file: string }[] }
}
export interface Action {
  uses: string
  with: Record<string, unknown>
  writeToEnvironmentFile?: Record<string, string>
}
export interface Lifecycle {
  version: string
  environmentFolderPath: string
  provision: Action[]
  publish: Action[]
}

/** Everything in `agent/` that Microsoft reads: manifests as packed, and the toolkit's files as they are written. */
export interface AppPackage {
  manifest: AppManifest
  agent: DeclarativeAgent
  plugin: Plugin
  lifecycle: Lifecycle
  /** The sample's variables. */
  sample: Variables
  /** The manifests and `m365agents.yml` as text, with their placeholders. */
  written: string
}

/** A copy of the package to check, or to break. */
export function readAppPackage(): AppPackage {
  const packed = (file: string): unknown =>
    JSON.parse(
      fill(readAgentFile(`appPackage/${file}`), provisioned, (beside) => readAgentFile(`appPackage/${beside}`)),
    )
  const lifecycle = readAgentFile('m365agents.yml')
  return {
    manifest: packed('manifest.json') as AppManifest,
    agent: packed('declarativeAgent.json') as DeclarativeAgent,
    plugin: packed('ai-plugin.json') as Plugin,
    lifecycle: parseYaml(lifecycle) as Lifecycle,
    sample: parseEnv(readAgentFile('env/.env.dev.sample')),
    written: [...manifests.map((file) => readAgentFile(`appPackage/${file}`)), lifecycle].join('\n'),
  }
}

const require = createRequire(import.meta.url)
const ajv = new Ajv.default({ strict: false, allErrors: true })
addFormats.default(ajv)

/**
 * What Microsoft's published schema has against a manifest. It is the schema that the manifest names: the package
 * `@microsoft/app-manifest` holds it under the path of its address.
 */
export function schemaErrors(manifest: Json): string[] {
  const { pathname } = new URL(String(manifest['$schema']))
  const path = join(dirname(require.resolve('@microsoft/app-manifest/package.json')), 'build', pathname)
  const known = ajv.getSchema(path)
  const validate = known ?? ajv.addSchema(JSON.parse(readFileSync(path, 'utf8')), path).getSchema(path)
  if (validate === undefined) throw new Error(`There is no schema ${pathname}`)
  validate(manifest)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${pathname}: ${instancePath} ${message}`)
}
