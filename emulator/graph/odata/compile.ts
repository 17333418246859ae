import { badRequest } from '../errors.ts'
import type { Binary, Call, Expression, In, Lambda, Literal, Not, Path } from './ast.ts'
import { compare, incompatible, isElement, isMember, isSingle, nullsFirst } from './comparison.ts'
import { type StringFunction, stringFunctions } from './functions.ts'
import type { Names, Operand, Scope } from './operand.ts'
import { parseFilter, parseOrderBy } from './parse.ts'
import { edm, type PrimitiveType, type Property, type StructuredType, type Type } from './types.ts'

/**
 * Compiles `$filter`. An entity passes where the expression is true: neither false nor null
 * (OData 4.01 URL conventions, section 5.1.1.1).
 * @param unfilterable properties of the entity that do not support filters
 * @throws GraphError 400 in OData's words
 */
export function compileFilter(
  source: string,
  entity: StructuredType,
  unfilterable: readonly string[] = [],
): (subject: object) => boolean {
  const { type, read } = compile(parseFilter(source), { entity, variables: [], unfilterable })
  if (type !== edm.boolean) throw badRequest('The $filter expression must evaluate to a single boolean value.')
  return (subject) => read([subject]) === true
}

/**
 * Compiles `$orderby` to a comparison for a stable sort.
 * @throws GraphError 400 in OData's words
 */
export function compileOrderBy(source: string, entity: StructuredType): (a: object, b: object) => number {
  const keys = parseOrderBy(source).map(({ expression, direction }) => {
    const { type, read } = compile(expression, { entity, variables: [], unfilterable: [] })
    if (!isSingle(type)) throw badRequest('The $orderby expression must evaluate to a single value of primitive type.')
    return { read, sign: direction === 'asc' ? 1 : -1 }
  })
  return (a, b) => {
    for (const { read, sign } of keys) {
      const order = nullsFirst(read([a]), read([b]))
      if (order !== 0) return order * sign
    }
    return 0
  }
}

function compile(expression: Expression, names: Names): Operand {
  switch (expression.kind) {
    case 'literal':
      return compileLiteral(expression)
    case 'path':
      return compilePath(expression, names)
    case 'call':
      return compileCall(expression, names)
    case 'not':
      return compileNot(expression, names)
    case 'in':
      return compileIn(expression, names)
    case 'lambda':
      return compileLambda(expression, names)
    case 'binary':
      return compileBinary(expression, names)
  }
}

const literalTypes: Readonly<Record<Literal['type'], PrimitiveType>> = {
  null: edm.null,
  'Edm.String': edm.string,
  'Edm.Boolean': edm.boolean,
  'Edm.Int32': edm.int32,
  'Edm.Double': edm.double,
  'Edm.DateTimeOffset': edm.dateTimeOffset,
}

function compileLiteral({ type, value }: Literal): Operand {
  return { type: literalTypes[type], constant: value, read: () => value }
}

function compilePath({ segments }: Path, names: Names): Operand {
  const [first, ...rest] = segments
  const place = names.variables.findIndex(({ name }) => name === first)
  const variable = names.variables[place]
  if (variable !== undefined) return follow({ type: variable.type, read: (scope) => scope[place + 1] }, rest)
  const properties = first === '$it' ? rest : segments
  const property = names.entity.nameOf(properties[0] ?? '')
  if (property !== undefined && names.unfilterable.includes(property)) {
    throw badRequest(`Invalid filter clause: The property '${property}' cannot be used in the $filter query option.`)
  }
  return follow({ type: names.entity, read: (scope) => scope[0] }, properties)
}

function follow(start: Operand, segments: readonly string[]): Operand {
  return segments.reduce<Operand>((owner, segment) => {
    const property = propertyOf(owner.type, segment)
    if (property === undefined) {
      throw badRequest(`Could not find a property named '${segment}' on type '${owner.type.name}'.`)
    }
    return { type: property.type, read: (scope) => property.read(owner.read(scope)) }
  }, start)
}

function propertyOf(type: Type, name: string): Property | undefined {
  return type.kind === 'structured' ? type.properties.get(type.nameOf(name) ?? '') : undefined
}

function compileCall({ name, arguments: given }: Call, names: Names): Operand {
  const known = stringFunctions.get(name)
  if (known === undefined) {
    throw badRequest(
      `An unknown function with name '${name}' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.`,
    )
  }
  const operands = given.map((argument) => compile(argument, names))
  const fit = operands.every(({ type }) => type === edm.string || type === edm.null)
  const [first, second = first] = operands
  if (!fit || operands.length !== known.arity || first === undefined || second === undefined) {
    const signature = `${name}(${Array(known.arity).fill('Edm.String Nullable=true').join(', ')})`
    throw badRequest(
      `No function signature for the function with name '${name}' matches the specified arguments. The function signatures considered are: ${signature}.`,
    )
  }
  return apply(known, first, second)
}

function apply({ returns, apply }: StringFunction, first: Operand, second: Operand): Operand {
  return {
    type: returns,
    read(scope) {
      const text = first.read(scope)
      const other = second.read(scope)
      return typeof text === 'string' && typeof other === 'string' ? apply(text, other) : null
    },
  }
}

function compileNot({ operand }: Not, names: Names): Operand {
  const { type, read } = compile(operand, names)
  if (type !== edm.boolean) {
    throw badRequest(
      `A unary operator with an incompatible type was detected. Found operand type '${type.name}' for operator kind 'Not'.`,
    )
  }
  return { type: edm.boolean, read: (scope) => negate(read(scope)) }
}

function negate(value: unknown): boolean | null {
  return typeof value === 'boolean' ? !value : null
}

function compileIn({ operand, members }: In, names: Names): Operand {
  const subject = compile(operand, names)
  if (!('kind' in members)) {
    return isMember(
      subject,
      members.map((member) => compile(member, names)),
    )
  }
  const collection = compilePath(members, names)
  if (collection.type.kind !== 'collection') throw incompatible('In', subject, collection)
  return isElement(subject, collection, collection.type.element)
}

function compileBinary({ operator, left, right }: Binary, names: Names): Operand {
  const a = compile(left, names)
  const b = compile(right, names)
  if (operator !== 'and' && operator !== 'or') return compare(operator, a, b)
  if (a.type !== edm.boolean || b.type !== edm.boolean) throw incompatible(operator === 'and' ? 'And' : 'Or', a, b)
  return connect(operator === 'or', a, b)
}

/** Either operand decides alone where it equals `decisive`; else the result is unknown where either is. */
function connect(decisive: boolean, a: Operand, b: Operand): Operand {
  return {
    type: edm.boolean,
    read(scope) {
      const first = a.read(scope)
      if (first === decisive) return decisive
      const second = b.read(scope)
      return second === decisive || first !== null ? second : null
    },
  }
}

function compileLambda({ quantifier, collection, range }: Lambda, names: Names): Operand {
  const { type, read } = compilePath(collection, names)
  if (type.kind !== 'collection') {
    throw badRequest(`The '${quantifier}' operator can only be applied to a collection, and '${type.name}' is none.`)
  }
  const items = (scope: Scope): readonly unknown[] => {
    const value = read(scope)
    return Array.isArray(value) ? value : []
  }
  if (range === null) return { type: edm.boolean, read: (scope) => items(scope).length > 0 }

  const holds = compileRange(range, { name: range.variable, type: type.element }, names)
  return quantifier === 'any'
    ? { type: edm.boolean, read: (scope) => items(scope).some((item) => holds(scope, item)) }
    : { type: edm.boolean, read: (scope) => items(scope).every((item) => holds(scope, item)) }
}

function compileRange(
  { predicate }: NonNullable<Lambda['range']>,
  variable: Names['variables'][number],
  names: Names,
): (scope: Scope, item: unknown) => boolean {
  if (names.variables.some(({ name }) => name === variable.name)) {
    throw badRequest(`The range variable '${variable.name}' has already been declared.`)
  }
  const { type, read } = compile(predicate, { ...names, variables: [...names.variables, variable] })
  if (type !== edm.boolean) throw badRequest('The Any/All query expression must evaluate to a single boolean value.')
  return (scope, item) => read([...scope, item]) === true
}
