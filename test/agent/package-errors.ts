import { icons } from '../../agent/package.ts'
import { catalogue } from '../../src/errors/index.ts'
import type { AppPackage } from './app-package.ts'
import { schemaErrors } from './app-package.ts'

/**
 * Checks of the package's files. @returns a sentence per error. Limits that the schemas have only in descriptions are from
 * there and from Microsoft, "Plugin manifest schema 2.4" and "Declarative agent schema 1.6".
 */
export function packageErrors(app: AppPackage): string[] {
  return [
    ...schemaErrors(app.manifest),
    ...schemaErrors(app.agent),
    ...schemaErrors(app.plugin),
    ...lengthErrors(app),
    ...functionErrors(app),
    ...fileErrors(app),
    ...linkErrors(app),
    ...placeholderErrors(app),
    ...reasonErrors(app),
  ]
}

function lengthErrors({ agent, plugin }: AppPackage): string[] {
  const tooLong = (name: string, text: string, max: number) =>
    text.trim() !== '' && text.length <= max ? [] : [`${name} has ${text.length} characters of ${max}`]
  return [
    ...tooLong('name_for_human', plugin.name_for_human, 20),
    ...tooLong('description_for_human', plugin.description_for_human, 100),
    ...tooLong('description_for_model', plugin.description_for_model, 2048),
    ...tooLong('disclaimer', agent.disclaimer.text, 500),
    ...textsIn(plugin).flatMap((text) => tooLong(text.slice(0, 20), `${text}.`, 4096)),
    ...agent.conversation_starters.flatMap(({ title, text }) => [
      ...tooLong(`title ${title}`, title, 30),
      ...tooLong(`starter ${title}`, text, 200),
    ]),
    ...(new Set(agent.conversation_starters.map(({ text }) => text)).size === agent.conversation_starters.length
      ? []
      : ['a conversation starter is there twice']),
  ]
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** One runtime, which runs every function; each is a tool, and is confirmed unless it only reads. */
function functionErrors({ plugin: { functions, runtimes } }: AppPackage): string[] {
  const [runtime, ...others] = runtimes
  if (runtime?.type !== 'RemoteMCPServer' || others.length > 0) return ['there is one runtime, an MCP server']
  const names = functions.map(({ name }) => name)
  const { tools = [] } = runtime.spec.mcp_tool_description
  const lists = { run_for_functions: runtime.run_for_functions, tools: tools.map(({ name }) => name) }
  return [
    ...names.filter((name) => !/^[A-Za-z0-9_]+$/.test(name)).map((name) => `${name} is no function name`),
    ...(new Set(names).size === names.length ? [] : ['a function is there twice']),
    ...Object.entries(lists)
      .filter(([, listed]) => listed.join() !== names.join())
      .map(([list]) => `${list} differs from functions`),
    ...(runtime.auth.type === 'OAuthPluginVault' ? [] : ['users sign in by OAuth']),
    ...functions.flatMap(({ name, description, capabilities }) => {
      const tool = tools.find((one) => one.name === name)
      const onlyReads = tool?.annotations.readOnlyHint === true
      const handling = capabilities.security_info?.data_handling.join()
      return [
        ...(description === tool?.description ? [] : [`${name} is described in two ways`]),
        ...((capabilities.confirmation?.type === 'None') === onlyReads ? [] : [`${name} is confirmed wrongly`]),
        ...(handling === (onlyReads ? 'GetPrivateData' : 'ResourceStateUpdate') ? [] : [`${name} handles ${handling}`]),
      ]
    }),
  ]
}

/** Files named in a manifest exist in the package. */
function fileErrors({ manifest, agent }: AppPackage): string[] {
  const named = [
    ...manifest.copilotAgents.declarativeAgents.map(({ file }) => [file, 'declarativeAgent.json']),
    ...agent.actions.map(({ file }) => [file, 'ai-plugin.json']),
    [manifest.icons.color, icons[0]],
    [manifest.icons.outline, icons[1]],
  ]
  return named.filter(([file, there]) => file !== there).map(([file]) => `there is no file ${file}`)
}

/** Teams warns of links to domains that the app does not name. */
function linkErrors({ manifest }: AppPackage): string[] {
  return manifest.validDomains.includes('admin.microsoft.com') ? [] : ['cards link to admin.microsoft.com']
}

/** Every placeholder is in the sample, and every variable of the sample is used. */
function placeholderErrors({ sample, lifecycle, written }: AppPackage): string[] {
  const used = new Set([...written.matchAll(/\$\{\{(\w+)\}\}/g)].map(([, name = '']) => name))
  const actions = [...lifecycle.provision, ...lifecycle.publish]
  const outputs = new Set(actions.flatMap(({ writeToEnvironmentFile = {} }) => Object.values(writeToEnvironmentFile)))
  const sampled = Object.keys(sample)
  return [
    ...[...used, ...outputs].filter((name) => !sampled.includes(name)).map((name) => `the sample lacks ${name}`),
    ...sampled.filter((name) => !used.has(name) && !outputs.has(name)).map((name) => `nothing uses ${name}`),
    ...sampled.filter((name) => /SECRET|PASSWORD|KEY/.test(name)).map((name) => `${name} belongs in no sample`),
    ...[...outputs].filter((name) => sample[name] !== '').map((name) => `${name} is written by an action`),
  ]
}

/** The instructions explain only reasons of tool errors. */
function reasonErrors({ agent }: AppPackage): string[] {
  const failures = agent.instructions.split('# When a call fails')[1] ?? ''
  const named = [...failures.matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g)].map(([reason]) => reason)
  const known = new Map<string, string>(Object.entries(catalogue).map(([reason, { kind }]) => [reason, kind]))
  return [
    ...(named.length > 5 ? [] : ['the instructions explain no failures']),
    ...named.filter((reason) => known.get(reason) !== 'tool').map((reason) => `no tool fails with ${reason}`),
  ]
}
