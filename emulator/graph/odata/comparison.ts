import { badRequest, type GraphError } from '../errors.ts'
import type { Comparison } from './ast.ts'
import type { Operand } from './operand.ts'
import { edm, type Type } from './types.ts'

/** OData 4.01 URL conventions, sections 5.1.1.1.1 to 5.1.1.1.6: only eq and ne match null; the others are false. */
const comparisons: Readonly<Record<Comparison, { kind: string; test(a: unknown, b: unknown): boolean }>> = {
  eq: { kind: 'Equal', test: (a, b) => a === b },
  ne: { kind: 'NotEqual', test: (a, b) => a !== b },
  gt: { kind: 'GreaterThan', test: (a, b) => order(a, b) > 0 },
  ge: { kind: 'GreaterThanOrEqual', test: (a, b) => order(a, b) >= 0 },
  lt: { kind: 'LessThan', test: (a, b) => order(a, b) < 0 },
  le: { kind: 'LessThanOrEqual', test: (a, b) => order(a, b) <= 0 },
}

/** @throws GraphError 400 where the types do not compare */
export function compare(operator: Comparison, left: Operand, right: Operand): Operand {
  const { kind, test } = comparisons[operator]
  const [a, b] = comparable(kind, left, right)
  return { type: edm.boolean, read: (scope) => test(a.read(scope), b.read(scope)) }
}

/** @throws GraphError 400 where a member does not compare with the subject */
export function isMember(subject: Operand, members: readonly Operand[]): Operand {
  const values = new Set<unknown>(members.map((member) => comparable('Equal', subject, member)[1].constant))
  return { type: edm.boolean, read: (scope) => values.has(subject.read(scope)) }
}

/** @throws GraphError 400 where an element does not compare with the subject */
export function isElement(subject: Operand, collection: Operand, element: Type): Operand {
  const [a] = comparable('Equal', subject, { type: element, read: () => null })
  return {
    type: edm.boolean,
    read(scope) {
      const elements = collection.read(scope)
      return Array.isArray(elements) && elements.includes(a.read(scope))
    },
  }
}

/** For a stable sort: null comes before any value. OData 4.01 protocol, section 11.2.6.2. */
export function nullsFirst(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  return order(a, b)
}

export function incompatible(operatorKind: string, a: Operand, b: Operand): GraphError {
  return badRequest(
    `A binary operator with incompatible types was detected. Found operand types '${a.type.name}' and '${b.type.name}' for operator kind '${operatorKind}'.`,
  )
}

/** Primitive or enumeration: comparable, sortable and nullable. */
export function isSingle(type: Type): boolean {
  return type.kind === 'primitive' || type.kind === 'enum'
}

function comparable(operatorKind: string, left: Operand, right: Operand): [Operand, Operand] {
  const a = asMember(left, right.type)
  const b = asMember(right, left.type)
  if (!areComparable(a.type, b.type)) throw incompatible(operatorKind, a, b)
  return [a, b]
}

/** A string literal beside an enumeration is the name of a member. */
function asMember(operand: Operand, beside: Type): Operand {
  if (beside.kind !== 'enum' || typeof operand.constant !== 'string') return operand
  const member = beside.members.indexOf(operand.constant)
  if (member < 0) throw badRequest(`The string '${operand.constant}' is not a valid enumeration type constant.`)
  return { type: beside, constant: member, read: () => member }
}

const numbers: readonly Type[] = [edm.int32, edm.double]

function areComparable(a: Type, b: Type): boolean {
  // A complex property compares with null alone.
  if (a.kind === 'structured' || b.kind === 'structured') return a === edm.null || b === edm.null
  if (!isSingle(a) || !isSingle(b)) return false
  return a === b || a === edm.null || b === edm.null || (numbers.includes(a) && numbers.includes(b))
}

/** Negative, 0 or positive; NaN, which no comparison holds for, where either is null. Strings compare by code unit. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  return Number.NaN
}
