import type { TObject } from 'typebox'
import { parseJson } from '../../lib/parse-json.ts'
import { isClose } from '../../lib/spelling.ts'
import { jsonError } from './strict-json.ts'

/** No more of a call's unknown arguments are compared with the known ones: a body has room for thousands. */
const comparedMost = 100

/** What frameworks add to the arguments of every call, as n8n does. */
const addedByFrameworks = new Set('toolCallId sessionId action chatInput tool tool_call_id _meta'.split(' '))

interface Property {
  readonly type?: string
  readonly pattern?: string
  readonly items?: Property
}

/**
 * A call's arguments as the tool's schema has them, from what frameworks make of them:
 *
 * - null for an argument that is absent (LibreChat, Langflow, and OpenAI's strict mode, which makes all of them required);
 *   of an optional one also an empty or blank text or list (MetaMCP, opencode), and the text `null` (Claude Code)
 * - a list as JSON text, `"[\"Teams\"]"` (Claude Code), or as its entries, `"Teams, Planner"`
 * - numbers and booleans as text, `"10"`, `"True"`; ids of digits as numbers, `478611`
 * - all arguments as JSON text, as model APIs hand them over (OpenAI, "Function calling": `arguments` is a string)
 *
 * Unknown arguments are left out, since frameworks add their own to every call. One that is close to a known name is a
 * mistake, such as `service` or `modified_since`, and so is an argument of another tool: it is kept, so that the tool
 * rejects it by name. So is every value that fits in no other way.
 *
 * @param alsoKnown arguments that are not the tool's own and are handled elsewhere
 * @param ofOthers arguments of other tools
 * @returns `ignored`: names of those that were left out, but for what frameworks are known to add
 */
export function coerceArguments(
  args: unknown,
  schema: TObject,
  {
    alsoKnown = [],
    ofOthers = [],
  }: { readonly alsoKnown?: readonly string[]; readonly ofOthers?: readonly string[] } = {},
): { readonly args: unknown; readonly ignored: readonly string[] } {
  const given = typeof args === 'string' ? fromJson(args, isObject) : args
  if (!isObject(given)) return { args, ignored: [] }
  const properties: Readonly<Record<string, Property>> = schema.properties
  const required: readonly string[] = schema.required ?? []
  const known = new Set([...Object.keys(properties), ...alsoKnown])
  const unknown = Object.keys(given)
    .filter((name) => !known.has(name) && !addedByFrameworks.has(name) && given[name] !== null)
    .slice(0, comparedMost)
  const isMistake = (name: string) => ofOthers.includes(name) || [...known].some((other) => isClose(name, other))
  const entries = [...known, ...unknown.filter(isMistake)]
    .filter((name) => Object.hasOwn(given, name) && given[name] !== null)
    .map((name): [string, unknown] => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined
      const value = coerce(given[name], property)
      return [name, property === undefined || required.includes(name) ? value : presentOf(value)]
    })
    .filter(([, value]) => value !== undefined)
  return { args: Object.fromEntries(entries), ignored: unknown.filter((name) => !isMistake(name)) }
}

/** What is left of an optional argument without what stands for absence; undefined where that is nothing. */
function presentOf(value: unknown): unknown {
  if (!Array.isArray(value)) return isAbsent(value) ? undefined : value
  const present = value.filter((entry) => !isAbsent(entry))
  return present.length > 0 ? present : undefined
}

function isAbsent(value: unknown): boolean {
  return value === null || (typeof value === 'string' && /^\s*(?:null\s*)?$/i.test(value))
}

/** A value as its schema's type, where it is one; everything else as it is. */
function coerce(value: unknown, property: Property = {}): unknown {
  const { type, pattern, items } = property
  if (type === 'array') return coerceList(value, items)
  if (Number.isSafeInteger(value) && type === 'string' && pattern !== undefined) {
    return new RegExp(pattern).test(String(value)) ? String(value) : value
  }
  if (typeof value !== 'string') return value
  switch (type) {
    case 'integer':
    case 'number':
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(value.trim()) ? Number(value) : value
    case 'boolean':
      return /^(true|false)$/i.test(value.trim()) ? value.trim().toLowerCase() === 'true' : value
    default:
      return value
  }
}

function coerceList(value: unknown, items: Property | undefined): unknown {
  if (Array.isArray(value)) return value.map((entry) => coerce(entry, items))
  // Text that merely begins like a list, such as a title in brackets, is an entry.
  const entries = typeof value === 'string' ? (fromJson(value, Array.isArray) ?? entriesOf(value)) : [value]
  const list = entries.map((entry) => coerce(entry, items))
  return items?.type === 'string' && list.every((entry) => typeof entry === 'string') ? list : value
}

/** Entries between commas; of a list as Python writes it, without its quotes. */
function entriesOf(text: string): string[] {
  const inPython = /^\s*\[\s*('.*')\s*\]\s*$/s.exec(text)?.[1]
  const entries = (inPython ?? text).split(',').map((entry) => entry.trim())
  if (inPython !== undefined) return entries.map((entry) => entry.replace(/^'(.*)'$/s, '$1'))
  const given = entries.filter((entry) => entry !== '')
  return given.length > 0 ? given : [text]
}

/** The value of JSON text that is of a kind, or undefined. The text may not hold what a request's body may not. */
function fromJson<Kind>(text: string, isKind: (value: unknown) => value is Kind): Kind | undefined {
  if (!/^\s*[[{]/.test(text) || jsonError(Buffer.from(text)) !== undefined) return undefined
  const value = parseJson(text)
  return isKind(value) ? value : undefined
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
