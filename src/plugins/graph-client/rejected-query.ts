import { Failure } from '../../errors/index.ts'
import { graphMessageOf } from './failures.ts'

/** What an argument adds to a query; undefined where it was not given. */
export interface QueryPart {
  readonly argument: string
  readonly expression: string | undefined
}

/** Arguments that are OData as the caller wrote it: where nothing else tells, they are the likely ones. */
const rawArguments = ['filter', 'orderby']

/** A rejection of Graph (400) that says which of the given arguments it is about, as far as its words tell. */
export function namingArguments(rejection: Failure, parts: readonly QueryPart[]): Failure {
  const given = parts.filter(({ expression }) => expression !== undefined)
  const named = namesIn(rejection)
  const about = [
    given.filter(({ expression = '' }) => named.some((name) => mentions(expression, name))),
    given.filter(({ argument }) => new RegExp(`\\b${argument}\\b`, 'i').test(graphMessageOf(rejection))),
    given.filter(({ argument }) => rawArguments.includes(argument)),
    given,
  ].find((candidates) => candidates.length > 0)
  if (about === undefined) return rejection
  const quoted = about.map(({ argument }) => `"${argument}"`)
  const source = `It came from ${quoted.length === 1 ? 'the argument' : 'one of the arguments'} ${quoted.join(', ')}.`
  const { detail, ...details } = rejection.details
  return new Failure(rejection.reason, { ...details, detail: detail === undefined ? source : `${source} ${detail}` })
}

/** Whether Graph rejected a field of `select`, which no argument speaks of. */
export function isAboutSelect(rejection: Failure, parts: readonly QueryPart[], select: string): boolean {
  const fields = select.toLowerCase().split(',')
  const named = namesIn(rejection)
  if (parts.some(({ expression = '' }) => named.some((name) => mentions(expression, name)))) return false
  return /\$?\bselect\b/i.test(graphMessageOf(rejection)) || named.some((name) => fields.includes(name.toLowerCase()))
}

/** What Graph's sentence has in quotes: "Could not find a property named 'x' on type 'y'". */
function namesIn(rejection: Failure): string[] {
  return [...graphMessageOf(rejection).matchAll(/(?<!\w)'([^']{1,200})'|"([^"]{1,200})"/g)].map(
    ([, single, double]) => single ?? double ?? '',
  )
}

function mentions(expression: string, name: string): boolean {
  return expression.toLowerCase().includes(name.toLowerCase())
}
