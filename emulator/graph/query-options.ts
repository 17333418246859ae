import { serviceUpdateMessage } from './entity.ts'
import { badRequest } from './errors.ts'

/** The validated system query options of a collection request. */
export interface CollectionOptions {
  filter: string | null
  orderBy: string | null
  top: number | null
  skip: number
  count: boolean
  select: readonly string[] | null
}

const collectionOptions = ['$filter', '$orderby', '$top', '$skip', '$count', '$select'] as const
const entityOptions = ['$select'] as const

/** @throws GraphError 400 in OData's words */
export function collectionOptionsOf(query: URLSearchParams): CollectionOptions {
  rejectUnknownOptions(query, collectionOptions)
  return {
    filter: expression(query, '$filter'),
    orderBy: expression(query, '$orderby'),
    top: count(query, '$top'),
    skip: count(query, '$skip') ?? 0,
    count: flag(query, '$count'),
    select: selection(query),
  }
}

/** @throws GraphError 400 in OData's words */
export function selectOf(query: URLSearchParams): readonly string[] | null {
  for (const option of collectionOptions) {
    if (option !== '$select' && query.has(option)) {
      throw badRequest(
        'The query specified in the URI is not valid. The requested resource is not a collection. Query options $filter, $orderby, $count, $skip, and $top can be applied only on collections.',
      )
    }
  }
  rejectUnknownOptions(query, entityOptions)
  return selection(query)
}

/** Options without a `$` are custom ones, which a service ignores (OData 4.01 URL conventions, section 5.2). */
function rejectUnknownOptions(query: URLSearchParams, known: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of query.keys()) {
    if (!name.startsWith('$')) continue
    if (!known.includes(name)) throw badRequest(`The query parameter '${name}' is not supported.`)
    if (seen.has(name)) {
      throw badRequest(`Query option '${name}' was specified more than once, but it must be specified at most once.`)
    }
    seen.add(name)
  }
}

function expression(query: URLSearchParams, name: string): string | null {
  const text = query.get(name)
  if (text?.trim() === '') throw badRequest(`The value for OData query '${name}' cannot be empty.`)
  return text
}

function count(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null) return null
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw badRequest(
    `Invalid value '${text}' for ${name} query option found. The ${name} query option requires a non-negative integer value.`,
  )
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw badRequest(`Invalid value '${text}' for ${name} query option found. Valid values are 'true', 'false'.`)
}

/** Property names as requested; null for all. */
function selection(query: URLSearchParams): readonly string[] | null {
  const text = expression(query, '$select')
  if (text === null) return null
  const names = text.split(',').map((name) => propertyNamed(name.trim()))
  return names.includes('*') ? null : [...new Set(names)]
}

/** Graph returns a property's own name, whatever the requested case. */
function propertyNamed(name: string): string {
  const property = name === '*' ? name : serviceUpdateMessage.nameOf(name)
  if (property !== undefined) return property
  throw badRequest(`Could not find a property named '${name}' on type '${serviceUpdateMessage.name}'.`)
}
