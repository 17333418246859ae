import type { ResourceLink } from '@modelcontextprotocol/server'
import type { Static, TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Failure } from '../errors/index.ts'
import type { GraphPermission } from '../lib/graph-permissions.ts'
import type { Tool, ToolContext, ToolDefinition } from '../plugins/mcp/tool.ts'

/**
 * Makes a tool of a name, two TypeBox schemas and a handler. One file, one tool: listing it in `tools/index.ts` is all
 * that is left to do. Arguments reach the handler checked and typed; it returns data and throws a {@link Failure}.
 */
export function defineTool<Input extends TObject, Output extends TObject>(tool: {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: Input
  readonly output: Output
  readonly permissions: readonly GraphPermission[]
  readonly annotations: ToolDefinition['annotations']
  readonly handler: (input: Static<Input>, context: ToolContext) => Promise<Static<Output>>
  /** The resource that shows results to people, where the client can (MCP Apps). */
  readonly view?: string
  /** The resources that a result mentions. */
  readonly links?: (output: Static<Output>) => readonly ResourceLink[]
}): Tool {
  const { name, title, description, annotations, permissions, handler, view, links } = tool
  const { input: inputSchema, output: outputSchema } = tool
  const input = Compile(inputSchema)
  return {
    definition: {
      name,
      title,
      description,
      annotations,
      inputSchema,
      outputSchema,
      ...(view !== undefined && { _meta: { ui: { resourceUri: view }, 'ui/resourceUri': view } }),
    },
    permissions,
    async call(args, context) {
      const given: unknown = args ?? {}
      if (!input.Check(given)) {
        const detail = explain(given, (known) => input.Errors(known), inputSchema)
        throw new Failure('invalid_input', { detail })
      }
      return (await handler(given as Static<Input>, context)) as Record<string, unknown>
    },
    links: (result) => links?.(result as Static<Output>) ?? [],
  }
}

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: unknown
}

/**
 * Names each argument that does not fit, with what it takes.
 *
 * Unknown ones are found without the validator: it stops at eight errors, and would report nothing but those that say
 * no more than that `false` does not fit.
 */
function explain(given: unknown, errorsOf: (args: unknown) => readonly SchemaError[], schema: TObject): string {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'The arguments must be an object.'
  const names = Object.keys(schema.properties)
  const isKnown = ([name]: readonly [string, unknown]) => names.includes(name)
  const members = Object.entries(given)
  const unknown = members.filter((member) => !isKnown(member))
  const byField = new Map(
    unknown.map(([name]) => [name, `There is no argument ${shown(name)}; there are: ${names.join(', ')}.`]),
  )
  for (const { keyword, instancePath, message, params } of errorsOf(Object.fromEntries(members.filter(isKnown)))) {
    const { requiredProperties = [] } = params as { requiredProperties?: readonly string[] }
    const fields = keyword === 'required' ? requiredProperties : [instancePath.slice(1).replaceAll('/', '.')]
    const problem = keyword === 'required' ? 'is missing' : message
    for (const field of fields) if (!byField.has(field)) byField.set(field, sentence(field, problem, schema))
  }
  return [...byField.values()].slice(0, 5).join(' ')
}

function sentence(field: string, problem: string, schema: TObject): string {
  const property: (TSchema & { description?: string; enum?: string[] }) | undefined =
    schema.properties[field.split('.')[0] ?? '']
  const takes = property?.enum === undefined ? property?.description : `${property.enum.join(', ')}.`
  return takes === undefined ? `${shown(field)} ${problem}.` : `${shown(field)} ${problem}. It takes: ${takes}`
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60))
}
