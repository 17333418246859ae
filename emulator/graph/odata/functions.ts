import type { Primitive } from './ast.ts'
import { edm, type PrimitiveType } from './types.ts'

/** A canonical function over strings; a null argument makes the result null without calling `apply`. */
export interface StringFunction {
  arity: 1 | 2
  returns: PrimitiveType
  apply(text: string, other: string): Primitive
}

/** OData 4.01 URL conventions, section 5.1.1.5 "String and collection functions": ordinal, and case-sensitive. */
export const stringFunctions: ReadonlyMap<string, StringFunction> = new Map<string, StringFunction>([
  ['contains', { arity: 2, returns: edm.boolean, apply: (text, part) => text.includes(part) }],
  ['startswith', { arity: 2, returns: edm.boolean, apply: (text, part) => text.startsWith(part) }],
  ['endswith', { arity: 2, returns: edm.boolean, apply: (text, part) => text.endsWith(part) }],
  ['indexof', { arity: 2, returns: edm.int32, apply: (text, part) => text.indexOf(part) }],
  ['concat', { arity: 2, returns: edm.string, apply: (text, tail) => text + tail }],
  ['length', { arity: 1, returns: edm.int32, apply: (text) => text.length }],
  ['tolower', { arity: 1, returns: edm.string, apply: (text) => text.toLowerCase() }],
  ['toupper', { arity: 1, returns: edm.string, apply: (text) => text.toUpperCase() }],
  ['trim', { arity: 1, returns: edm.string, apply: (text) => text.trim() }],
])
