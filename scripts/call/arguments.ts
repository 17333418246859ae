import type { PropertySchema, ToolSchema } from '../mcp/session.ts'
import { OperatorError } from '../shared/operator-error.ts'

/** Accepted by a server in development; not here, since the process list shows a command line. */
export const secretArgument = 'accessToken'

/**
 * Parses a tool's arguments from the command line, by its input schema: `top=3`, `unreadOnly=true`,
 * `services=Teams,SharePoint` or `services=Teams services=SharePoint`, and `filter:=null` for raw JSON.
 * The server validates the values.
 *
 * @throws {OperatorError} that lists the valid arguments
 */
export function parseArguments(tool: string, given: readonly string[], schema: ToolSchema): Record<string, unknown> {
  const properties = new Map(Object.entries(schema.properties ?? {}).filter(([name]) => name !== secretArgument))
  const values = new Map<string, unknown>()
  for (const pair of given) {
    const [, name = '', raw, text = ''] = /^([\w.-]+)(:?)=(.*)$/s.exec(pair) ?? []
    const property = properties.get(name)
    if (name === '') {
      throw argumentError(tool, `Invalid argument: "${shown(pair)}".`, properties, 'Use name=value or name:=json. ')
    }
    if (property === undefined) throw argumentError(tool, `Unknown argument of ${tool}: "${shown(name)}".`, properties)
    const value = raw === ':' ? parseJson(name, text) : parseText(name, text, property)
    const before = values.get(name)
    if (values.has(name) && !(Array.isArray(before) && Array.isArray(value))) {
      throw argumentError(tool, `Duplicate argument: "${name}".`, properties)
    }
    values.set(name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value)
  }
  const missing = (schema.required ?? []).filter((name) => !values.has(name))
  if (missing.length > 0) throw argumentError(tool, `Missing required argument: ${missing.join(', ')}.`, properties)
  return Object.fromEntries(values)
}

function parseText(name: string, text: string, { type, items }: PropertySchema): unknown {
  switch (type) {
    case 'integer':
    case 'number':
      if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text)
      throw valueError(name, text, type === 'integer' ? 'a whole number' : 'a number')
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true'
      throw valueError(name, text, 'true or false')
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
    throw new OperatorError(`Invalid JSON in "${name}": ${shown(text)}`, `For plain text use ${name}=….`, {
      cause: error,
      code: 'invalid_input',
    })
  }
}

function valueError(name: string, text: string, takes: string): OperatorError {
  return new OperatorError(
    `"${name}" must be ${takes}, not "${shown(text)}".`,
    'call --list shows what each tool takes.',
    { code: 'invalid_input' },
  )
}

function argumentError(
  tool: string,
  message: string,
  properties: ReadonlyMap<string, unknown>,
  hint = '',
): OperatorError {
  const names = [...properties.keys()]
  const takes = names.length === 0 ? `${tool} takes no arguments.` : `Arguments of ${tool}: ${names.join(', ')}.`
  return new OperatorError(message, hint + takes, { code: 'invalid_input' })
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
