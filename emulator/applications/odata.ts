import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { badRequest, GraphError } from '../graph/errors.ts'
import { compileFilter } from '../graph/odata/compile.ts'
import type { StructuredType } from '../graph/odata/types.ts'
import { badRequestError } from './rules.ts'

export function notFound(id: string): GraphError {
  const message = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`
  return new GraphError(404, 'Request_ResourceNotFound', message)
}

/** Validates request bodies. @throws GraphError 400 */
export function bodyReader<T extends TSchema>(schema: T, resource: string) {
  const checker = Compile(schema)
  return ({ body }: FastifyRequest): Static<T> => {
    if (checker.Check(body)) return body
    const [first] = checker.Errors(body)
    const property =
      first?.instancePath
        .split('/')
        .filter((part) => !/^\d*$/.test(part))
        .pop() ?? resource
    throw badRequestError(`Invalid value specified for property '${property}' of resource '${resource}'.`)
  }
}

/** A collection with `$filter` and `$select` applied. @throws GraphError 400 */
export function collection<T extends object>(request: FastifyRequest, all: readonly T[], type: StructuredType) {
  const query = queryOf(request)
  for (const name of query.keys()) {
    if (!['$filter', '$select', '$top'].includes(name))
      throw badRequest(`The query parameter '${name}' is not supported.`)
  }
  const filter = query.get('$filter')
  const matches = filter === null ? () => true : compileFilter(filter, type)
  return { value: all.filter((item) => matches(item)).map((item) => selected(item, query.get('$select'))) }
}

/** An entity with `$select` applied. */
export function entity<T extends object>(request: FastifyRequest, item: T) {
  return selected(item, queryOf(request).get('$select'))
}

export function isSelected(request: FastifyRequest, name: string): boolean {
  return (queryOf(request).get('$select') ?? '').split(',').includes(name)
}

function selected(item: object, select: string | null): object {
  if (select === null) return item
  const members = new Map(Object.entries(item))
  const names = select.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !members.has(name))
  if (unknown !== undefined) throw badRequest(`Could not find a property named '${unknown}'.`)
  return Object.fromEntries(names.map((name) => [name, members.get(name)]))
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const mark = url.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
}
