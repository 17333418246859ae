import type { Primitive } from './ast.ts'
import type { StructuredType, Type } from './types.ts'

/** The entity at 0, then the range variable of each lambda around an expression, the outermost first. */
export type Scope = readonly unknown[]

/** The names an expression may use; a variable's index in the scope is its index here plus one. */
export interface Names {
  entity: StructuredType
  variables: readonly { name: string; type: Type }[]
  /** Properties of the entity that the expression may not use. */
  unfilterable: readonly string[]
}

/** A compiled expression: its type and evaluation. Booleans are three-valued: null is "unknown". */
export interface Operand {
  type: Type
  read(scope: Scope): unknown
  /** The value of a literal. */
  constant?: Primitive
}
