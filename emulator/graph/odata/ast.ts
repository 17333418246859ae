/** The value of a primitive expression. Date-times are milliseconds since the epoch, enumeration members their index. */
export type Primitive = string | number | boolean | null

export type LiteralType = 'null' | 'Edm.String' | 'Edm.Boolean' | 'Edm.Int32' | 'Edm.Double' | 'Edm.DateTimeOffset'

export interface Literal {
  kind: 'literal'
  type: LiteralType
  value: Primitive
}

/** `title`, `body/content`, `d/name`, `$it/title`. */
export interface Path {
  kind: 'path'
  segments: readonly string[]
}

export interface Call {
  kind: 'call'
  name: string
  arguments: readonly Expression[]
}

export interface Not {
  kind: 'not'
  operand: Expression
}

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'

export interface Binary {
  kind: 'binary'
  operator: Comparison | 'and' | 'or'
  left: Expression
  right: Expression
}

export interface In {
  kind: 'in'
  operand: Expression
  /** A list of literals, `id in ('MC1','MC2')`, or a collection of the entity, `'Planner' in services`. */
  members: readonly Expression[] | Path
}

/** `services/any(s: …)`; `any()` without a predicate tests for a non-empty collection. */
export interface Lambda {
  kind: 'lambda'
  quantifier: 'any' | 'all'
  collection: Path
  range: { variable: string; predicate: Expression } | null
}

export type Expression = Literal | Path | Call | Not | Binary | In | Lambda

export interface OrderByItem {
  expression: Expression
  direction: 'asc' | 'desc'
}
