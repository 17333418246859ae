import { serviceUpdateMessage } from './entity.ts'
import type { Message } from './message.ts'
import type { ViewPoint } from './view-points.ts'

/**
 * A message with its JSON encoded once. Only the `viewPoint` differs between readers, so a response is concatenated from
 * bytes: a page of a hundred posts is 200 KB, and encoding it each time would cost ten times as much.
 */
export interface WrittenMessage {
  readonly message: Message
  /** `"name":value` of every property but `viewPoint`. */
  readonly members: ReadonlyMap<string, string>
  readonly beforeViewPoint: Buffer
  readonly afterViewPoint: Buffer
}

const propertyNames = [...serviceUpdateMessage.properties.keys()]
const viewPointAt = propertyNames.indexOf('viewPoint')

export function writeMessage(message: Message): WrittenMessage {
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(message)) members.set(name, `"${name}":${JSON.stringify(value)}`)
  const join = (names: readonly string[]) => names.map((name) => members.get(name)).join(',')
  return {
    message,
    members,
    beforeViewPoint: Buffer.from(`${join(propertyNames.slice(0, viewPointAt))},`),
    afterViewPoint: Buffer.from(`,${join(propertyNames.slice(viewPointAt + 1))}`),
  }
}

/** A part of the JSON text, encoded or not. */
export type Piece = string | Buffer

/**
 * The members of a post's JSON object, without the braces.
 * @param reader object id to include in `viewPoint`; null to omit it
 * @param select the properties to write; null for all
 */
export function postMembers(
  written: WrittenMessage,
  viewPoint: ViewPoint | null,
  reader: string | null,
  select: readonly string[] | null,
): readonly Piece[] {
  const viewPointJson = viewPointMember(viewPoint, reader)
  if (select === null) return [written.beforeViewPoint, viewPointJson, written.afterViewPoint]
  return [select.map((name) => (name === 'viewPoint' ? viewPointJson : written.members.get(name))).join(',')]
}

export function encode(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

function viewPointMember(viewPoint: ViewPoint | null, reader: string | null): string {
  if (viewPoint === null && reader === null) return '"viewPoint":null'
  const { isArchived = null, isFavorited = null, isRead = null } = viewPoint ?? {}
  const readerJson = reader === null ? '' : `,"reader":${JSON.stringify(reader)}`
  return `"viewPoint":{"isArchived":${isArchived},"isFavorited":${isFavorited},"isRead":${isRead}${readerJson}}`
}
