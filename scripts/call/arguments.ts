import type { PropertySchema, ToolSchema } from '../mcp/session.ts'
import { OperatorError } from '../shared/operator-error.ts'

/** What a server in development takes for a sign-in; but a command line is in the list of processes. */
export const secretArgument = 'accessToken'

/**
 * A tool's arguments as a command line gives them, typed as its input schema has them: `top=3`, `unreadOnly=true`,
 * `services=Teams,SharePoint` or `services=Teams services=SharePoint`, and `filter:=null` for JSON as it is.
 * Whether a value is one that the tool takes is for the server to say.
 *
 * @throws {OperatorError} that lists the arguments which there are
 */
export function parseArguments(tool: string, given: readonly string[], schema: ToolSchema): Record<string, unknown> {
  const properties = new Map(Object.entries(schema.properties ?? {}).filter(([name]) => name !== secretArgument))
  const values = new Map<string, unknown>()
  for (const pair of given) {
    const [, name = '', raw, text = ''] = /^([\w.-]+)(:?)=(.*)$/s.exec(pair) ?? []
    const property = properties.get(name)
    if (name === '') {
      throw mistake(
        tool,
        `"${shown(pair)}" is no argument of a tool.`,
        properties,
        'It takes name=value or name:=json. ',
      )
    }
    if (property === undefined) throw mistake(tool, `${tool} has no argument "${shown(name)}".`, properties)
    const value = raw === ':' ? parseJson(name, text) : parseText(name, text, property)
    const before = values.get(name)
    if (values.has(name) && !(Array.isArray(before) && Array.isArray(value))) {
      throw mistake(tool, `"${name}" is given twice, and takes one value.`, properties)
    }
    values.set(name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value)
  }
  const missing = (schema.required ?? []).filter((name) => !values.has(name))
  if (missing.length > 0) throw mistake(tool, `${tool} needs ${missing.join(' and ')}.`, properties)
  return Object.fromEntries(values)
}

function parseText(name: string, text: string, { type, items }: PropertySchema): unknown {
  switch (type) {
    case 'integer':
    case 'number':
      if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text)
      throw wrong(name, text, type === 'integer' ? 'a whole number' : 'a number')
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true'
      throw wrong(name, text, 'true or false')
    case 'array':
      return text.split(',').map((item) => parseText(name, item.trim(), items ?? {}))
    case 'object':
      return parseJson(name, text)
    default:
      return text
  }
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new OperatorError(`"${name}" is not JSON: ${shown(text)}`, `For a plain text write ${name}=… instead.`, {
      cause: error,
    })
  }
}

function wrong(name: string, text: string, takes: string): OperatorError {
  return new OperatorError(`"${name}" takes ${takes}, not "${shown(text)}".`, 'call --list shows what each tool takes.')
}

function mistake(tool: string, what: string, properties: ReadonlyMap<string, unknown>, before = ''): OperatorError {
  const names = [...properties.keys()]
  const takes = names.length === 0 ? `${tool} takes none.` : `${tool} takes ${names.join(', ')}.`
  return new OperatorError(what, before + takes)
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
