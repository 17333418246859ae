import {
  type CompleteRequestParams,
  type CompleteResult,
  type GetPromptResult,
  type Prompt as ListedPrompt,
  type Resource as ListedResource,
  type ResourceTemplateType as ListedTemplate,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
} from '@modelcontextprotocol/server'
import { Failure, failureText, toFailure } from '../../errors/index.ts'
import { readMessages } from '../../lib/graph-permissions.ts'
import type { ServedCall } from './call.ts'
import type { Served } from './index.ts'
import { withPermissionNamed } from './permission-errors.ts'
import type { Complete } from './prompt.ts'
import { withinDeadline } from './tool-calls.ts'

/** MCP, "Completion": at most 100 values. */
const maxValues = 100
/** Filled into the text of a prompt. */
const maxArgumentChars = 200

/** What is listed changes with a release and is the same for everybody: an hour's trust saves a list a session. */
export const listing = { ttlMs: 3_600_000, cacheScope: 'public' } as const

/** A definition as plain JSON: without its functions, and without TypeBox's own marks on a schema. */
export function asListed<Listed>(definition: object): Listed {
  return JSON.parse(JSON.stringify(definition))
}

/** Prompts and resources for the SDK's server. What fails is a JSON-RPC error that says why, and is noted in the call. */
export function createPromptsAndResources({ tools, prompts, resources, views }: Served) {
  const toolNames = tools.map(({ definition }) => definition.name)
  const promptNamed = (name: string) => prompts.find((prompt) => prompt.name === name)

  return {
    listedPrompts: prompts.map(asListed<ListedPrompt>),
    /** The views alone: messages are offered by links of those that getMessages finds, since there are hundreds. */
    listedResources: views.map(asListed<ListedResource>),
    listedTemplates: resources.map(asListed<ListedTemplate>),

    getPrompt(name: string, given: Readonly<Record<string, string>> = {}): GetPromptResult {
      const prompt = promptNamed(name)
      if (prompt === undefined) throw invalidParams(`Unknown prompt: ${name.slice(0, 80)}`)
      const args: Record<string, string> = {}
      for (const argument of prompt.arguments) {
        const value = Object.hasOwn(given, argument.name) ? given[argument.name]?.trim().slice(0, maxArgumentChars) : ''
        if (value) args[argument.name] = value
        else if (argument.required) throw invalidParams(`Missing required argument: ${argument.name}`)
      }
      const { description } = prompt
      return { description, messages: [{ role: 'user', content: { type: 'text', text: prompt.text(args) } }] }
    },

    /** Whether it is a view's, which needs no Graph. */
    isView: (uri: unknown): boolean => views.some((view) => view.uri === uri),

    /** @throws {ProtocolError} for a URI that is none of ours, and where it cannot be read */
    async readResource(uri: string, call: ServedCall): Promise<ReadResourceResult> {
      const view = views.find((view) => view.uri === uri)
      if (view !== undefined) {
        const { mimeType, _meta } = view
        return { contents: [{ uri, mimeType, text: await view.read(toolNames), _meta }], ...listing }
      }
      const resource = resources.find((one) => one.match(uri) !== undefined)
      const value = resource?.match(uri)
      if (resource === undefined || value === undefined) {
        throw invalidParams(`Resource not found: ${uri.slice(0, 200)}`)
      }
      try {
        if (call.access instanceof Failure) throw call.access
        const text = await withinDeadline(resource.read(value, call.access, call.signal), call)
        return { contents: [{ uri, mimeType: resource.mimeType, text }] }
      } catch (error) {
        const failure = withPermissionNamed(toFailure(error), { permissions: [readMessages] })
        call.failure = failure
        const isMissing = failure.reason === 'graph_not_found'
        const message = `${failure.reason}: ${failureText(failure)}`
        throw isMissing ? invalidParams(message) : new ProtocolError(ProtocolErrorCode.InternalError, message)
      }
    },

    /**
     * Values for an argument of a prompt or the variable of a resource; none where they are unknown.
     *
     * @throws {ProtocolError} for an unknown prompt (MCP 2025-11-25, "Completion: Error Handling")
     */
    async complete({ ref, argument }: CompleteRequestParams, call: ServedCall): Promise<CompleteResult> {
      const complete = completionOf(ref, argument.name)
      if (complete === undefined || call.access instanceof Failure) return { completion: { values: [] } }
      try {
        const values = await withinDeadline(complete(argument.value.slice(0, maxArgumentChars), call.access), call)
        const hasMore = values.length > maxValues
        return { completion: { values: values.slice(0, maxValues), total: values.length, hasMore } }
      } catch (error) {
        call.failure = toFailure(error)
        return { completion: { values: [] } }
      }
    },
  }

  function completionOf(ref: CompleteRequestParams['ref'], argument: string): Complete | undefined {
    if (ref.type === 'ref/prompt') {
      const prompt = promptNamed(ref.name)
      if (prompt === undefined) throw invalidParams(`Unknown prompt: ${ref.name.slice(0, 80)}`)
      return prompt.arguments.find(({ name }) => name === argument)?.complete
    }
    const isVariable = ref.uri.includes(`{${argument}}`)
    return isVariable ? resources.find(({ uriTemplate }) => uriTemplate === ref.uri)?.complete : undefined
  }
}

export function invalidParams(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message)
}
