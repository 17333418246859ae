/** Entity Data Model types. OData CSDL 4.01. */
export type Type = PrimitiveType | EnumType | StructuredType | CollectionType

export interface PrimitiveType {
  kind: 'primitive'
  name: 'null' | 'Edm.String' | 'Edm.Boolean' | 'Edm.Int32' | 'Edm.Double' | 'Edm.DateTimeOffset'
}

export interface EnumType {
  kind: 'enum'
  name: string
  members: readonly string[]
}

export interface StructuredType {
  kind: 'structured'
  name: string
  properties: ReadonlyMap<string, Property>
  /** Resolves a property name, ignoring case as Graph does. */
  nameOf(name: string): string | undefined
}

export interface CollectionType {
  kind: 'collection'
  name: string
  element: Type
}

export interface Property {
  type: Type
  /** Reads the property of an owner; see `Primitive` for dates and enumerations. */
  read(owner: unknown): unknown
}

const primitive = (name: PrimitiveType['name']): PrimitiveType => ({ kind: 'primitive', name })

export const edm = {
  null: primitive('null'),
  string: primitive('Edm.String'),
  boolean: primitive('Edm.Boolean'),
  int32: primitive('Edm.Int32'),
  double: primitive('Edm.Double'),
  dateTimeOffset: primitive('Edm.DateTimeOffset'),
} as const

export function collectionOf(element: Type): CollectionType {
  return { kind: 'collection', name: `Collection(${element.name})`, element }
}

/**
 * Declares a structured type over the TypeScript shape `Owner`, so that a misspelt property does not compile.
 * Properties that are dates or enumeration members in JSON are converted here, once for every expression.
 */
export function structured<Owner extends object>(
  name: string,
  types: { [Name in keyof Owner & string]: Type },
): StructuredType {
  const properties = new Map<string, Property>()
  for (const [property, type] of Object.entries<Type>(types)) {
    properties.set(property, { type, read: (owner) => comparable(type, memberOf(owner, property)) })
  }
  const names = new Map([...properties.keys()].map((property) => [property.toLowerCase(), property]))
  return { kind: 'structured', name, properties, nameOf: (requested) => names.get(requested.toLowerCase()) }
}

/** A property of null is null (OData 4.01 URL conventions, section 5.1.1.15). */
function memberOf(owner: unknown, property: string): unknown {
  return owner === null ? null : (owner as Record<string, unknown>)[property]
}

function comparable(type: Type, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (type.kind === 'enum') return type.members.indexOf(value)
  return type === edm.dateTimeOffset ? Date.parse(value) : value
}
