import type { Primitive } from './ast.ts'
import type { StructuredType, Type } from './types.ts'

/** The entity at 0, then the range variable of each lambda around an expression, the outermost first. */
export type Scope = readonly unknown[]

/** The names an expression may use; variables stand in the scope at their place here plus one. */
export interface Names {
  entity: StructuredType
  variables: readonly { name: string; type: Type }[]
  /** Properties of the entity that an expression may not use here, though they exist. */
  refused: readonly string[]
}

/** A checked expression: what it gives, and how. Booleans are three-valued: null is "unknown". */
export interface Operand {
  type: Type
  read(scope: Scope): unknown
  /** Of literals only: the value, known before any entity is. */
  constant?: Primitive
}
