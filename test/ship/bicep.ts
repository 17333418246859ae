import { fileURLToPath } from 'node:url'
import { Language, type Node, Parser } from 'web-tree-sitter'

await Parser.init()
const parser = new Parser()
const grammar = import.meta.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
parser.setLanguage(await Language.load(fileURLToPath(grammar)))

export type Value = string | number | boolean | null | Value[] | { [name: string]: Value }

/** The declarations of a Bicep file by kind and name, each with its expression. */
export interface Template {
  readonly params: ReadonlyMap<string, Node | undefined>
  readonly variables: ReadonlyMap<string, Node>
  readonly resources: ReadonlyMap<string, Node>
  readonly modules: ReadonlyMap<string, { readonly path: string; readonly body: Node }>
  readonly outputs: ReadonlyMap<string, Node>
}

/** @throws where the text is not Bicep, with the place */
export function parseBicep(text: string): Template {
  const root = parser.parse(text)?.rootNode
  if (root === undefined) throw new Error('The parser returned nothing.')
  const error = root.hasError ? firstError(root) : undefined
  if (error)
    throw new Error(`Line ${error.startPosition.row + 1}: ${error.isMissing ? 'something is missing' : error.text}`)
  const of = (type: string) => root.namedChildren.filter((node) => node?.type === type).filter((node) => node !== null)
  const nameOf = (node: Node) => node.namedChildren.find((child) => child?.type === 'identifier')?.text ?? ''
  const bodyOf = (node: Node) => node.namedChildren.at(-1) ?? node
  const byName = (type: string) => new Map(of(type).map((node) => [nameOf(node), bodyOf(node)]))
  return {
    params: new Map(
      of('parameter_declaration').map((node) => [
        nameOf(node),
        bodyOf(node).type === 'type' ? undefined : bodyOf(node),
      ]),
    ),
    variables: byName('variable_declaration'),
    resources: byName('resource_declaration'),
    modules: new Map(
      of('module_declaration').map((node) => [
        nameOf(node),
        { path: textOf(node.namedChildren[1]), body: bodyOf(node) },
      ]),
    ),
    outputs: byName('output_declaration'),
  }
}

function firstError(node: Node): Node | undefined {
  if (node.isError || node.isMissing) return node
  for (const child of node.children) {
    const error = child && firstError(child)
    if (error) return error
  }
  return undefined
}

function textOf(node: Node | null | undefined): string {
  return node?.text.replace(/^'|'$/g, '') ?? ''
}

/** An object, or the one that a condition guards. */
function objectOf(node: Node): Node {
  return node.type === 'if_statement' ? (node.namedChildren.at(-1) ?? node) : node
}

/** The properties of an object expression, by name. */
export function propertiesOf(node: Node): ReadonlyMap<string, Node> {
  return new Map(
    objectOf(node)
      .namedChildren.filter((child) => child?.type === 'object_property')
      .map((child) => [textOf(child?.namedChildren[0]), child?.namedChildren.at(-1) ?? node]),
  )
}

/**
 * Evaluates an expression, as far as the templates here need it, without references to resources.
 *
 * @param scope values of the names that are in it
 * @throws where an expression is not supported
 */
export function evaluate(node: Node, scope: ReadonlyMap<string, Value>): Value {
  const children = node.namedChildren.filter((child) => child !== null)
  const [first, second, third] = children
  const value = (child: Node | undefined) => evaluate(child ?? fail(node), scope)
  switch (node.type) {
    case 'string':
      return children
        .map((part) => (part.type === 'interpolation' ? String(value(part.namedChildren[0] ?? undefined)) : part.text))
        .join('')
    case 'number':
      return Number(node.text)
    case 'boolean':
      return node.text === 'true'
    case 'null':
      return null
    case 'identifier':
      return scope.get(node.text) ?? fail(node)
    case 'parenthesized_expression':
      return value(first)
    case 'array':
      return children.map(value)
    case 'object':
      return Object.fromEntries([...propertiesOf(node)].map(([name, child]) => [name, value(child)]))
    case 'ternary_expression':
      return value(value(first) === true ? second : third)
    case 'call_expression':
      return call(first?.text ?? '', (second?.namedChildren ?? []).filter((child) => child !== null).map(value))
    default:
      return fail(node)
  }
}

function call(name: string, [first = null, ...rest]: Value[]): Value {
  if (name === 'empty') return first === null || Object.keys(first).length === 0
  if (name === 'string') return String(first)
  if (name === 'json' || name === 'int') return Number(first)
  if (name === 'concat') return [first, ...rest].flat()
  throw new Error(`${name}() is not supported.`)
}

function fail(node: Node): never {
  throw new Error(`${node.type} ${node.text} is not supported.`)
}
