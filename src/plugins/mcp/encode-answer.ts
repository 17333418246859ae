import { Readable } from 'node:stream'
import type { JSONRPCMessage } from '@modelcontextprotocol/server'
import type { Answered } from './answer-cache.ts'
import { isBytes, isLarge } from './payload.ts'

/** What the SDK is told of a result whose payload is set into its answer afterwards. */
export const placeholder = { content: [], structuredContent: {} }

/**
 * An answer as JSON text: the SDK's own, and in it the payload as text for the model and as structured content for
 * programs, each with its age where it was kept (MCP, "Tools: Structured Content").
 *
 * @returns a stream where the payload is large, which is sent without another copy
 * @param answered absent where the answer is no tool's, or the tool failed
 */
export function encodeAnswer(answer: JSONRPCMessage, answered: Answered | undefined): Buffer | Readable | string {
  if (answered === undefined || !('result' in answer)) return JSON.stringify(answer)
  const { payload, ageSeconds } = answered
  const { content: _, structuredContent: __, ...result } = answer.result
  const { result: ___, ...envelope } = answer
  const age = ageSeconds === undefined ? '' : `"ageSeconds":${ageSeconds}${isEmpty(payload.structured) ? '' : ','}`
  const before = `${open(envelope)}"result":${open(result)}"content":[{"type":"text","text":"{${quoted(age)}`
  const between = `"}],"structuredContent":{${age}`
  const after = '}}'
  if (!isBytes(payload)) return before + payload.quoted + between + payload.structured + after
  const parts = [Buffer.from(before), payload.quoted, Buffer.from(between), payload.structured, Buffer.from(after)]
  return isLarge(payload) ? Readable.from(parts, { objectMode: false }) : Buffer.concat(parts)
}

/** Whether nothing but the last brace is left. */
function isEmpty(structured: string | Buffer): boolean {
  return structured.length === 1
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** An object as JSON text, up to where another entry goes. */
function open(value: object): string {
  const entries = JSON.stringify(value).slice(0, -1)
  return entries === '{' ? entries : `${entries},`
}
