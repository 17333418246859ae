import type { JSONRPCMessage } from '@modelcontextprotocol/server'

/**
 * An answer as JSON text.
 *
 * @param structuredText the result's structured content, where it has been written already: a page of messages is long,
 *   and writing it once instead of twice is a good part of what an answer costs
 */
export function encodeAnswer(answer: JSONRPCMessage, structuredText: string | undefined): string {
  if (structuredText === undefined || !('result' in answer)) return JSON.stringify(answer)
  const { structuredContent: _, ...result } = answer.result
  const { result: __, ...envelope } = answer
  return `${open(envelope)}"result":${open(result)}"structuredContent":${structuredText}}}`
}

/** An object as JSON text, up to where another entry goes. */
function open(value: object): string {
  const entries = JSON.stringify(value).slice(0, -1)
  return entries === '{' ? entries : `${entries},`
}
