import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Failure } from '../errors.ts'

/** Where messages are, below the Graph base. */
export const messagesPath = '/admin/serviceAnnouncement/messages'

const text = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Null()], { description }))

/**
 * A Message Center post as Graph shapes it, with `url` added. Fields beyond these are passed on as they come.
 * Source: Microsoft Graph, "serviceUpdateMessage resource type".
 */
export const Message = Type.Object({
  id: Type.String({ description: 'Message id, such as MC1234567' }),
  title: text('Title'),
  url: Type.String({ description: 'The message in the Microsoft 365 admin center, for people' }),
  category: text('planForChange, stayInformed or preventOrFixIssue'),
  severity: text('normal, high or critical'),
  services: Type.Optional(Type.Array(Type.String(), { description: 'Products it is about' })),
  tags: Type.Optional(Type.Array(Type.String())),
  isMajorChange: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  actionRequiredByDateTime: text('When an administrator must have acted (ISO 8601), if at all'),
  startDateTime: text('When it was posted'),
  endDateTime: text('When it leaves the Message Center'),
  lastModifiedDateTime: text('When it was last changed'),
  details: Type.Optional(Type.Array(Type.Unknown(), { description: 'Named values: Summary, RoadmapIds, Platforms …' })),
  hasAttachments: Type.Optional(Type.Boolean()),
  viewPoint: Type.Optional(
    Type.Unknown({ description: 'What the signed-in user did: isRead, isFavorited, isArchived' }),
  ),
  body: Type.Optional(
    Type.Object({
      contentType: Type.String({ description: 'text or html' }),
      content: Type.String(),
    }),
  ),
})
export type Message = Static<typeof Message>

/** How much of a message's body an answer carries: nothing, plain text, or Graph's own HTML. */
export const BodyFormat = Type.Enum(['none', 'text', 'html'])
export type BodyFormat = Static<typeof BodyFormat>

const GraphMessage = Type.Object({
  id: Type.String(),
  services: Type.Optional(Type.Array(Type.String())),
  tags: Type.Optional(Type.Array(Type.String())),
  body: Type.Optional(Type.Union([Type.Object({ contentType: Type.String(), content: Type.String() }), Type.Null()])),
})
const graphMessage = Compile(GraphMessage)
const graphPage = Compile(
  Type.Object({
    value: Type.Array(GraphMessage),
    '@odata.count': Type.Optional(Type.Integer()),
    '@odata.nextLink': Type.Optional(Type.String()),
  }),
)

type GraphMessage = Static<typeof GraphMessage>
export interface GraphPage {
  readonly value: readonly GraphMessage[]
  readonly '@odata.count'?: number
  readonly '@odata.nextLink'?: string
}

/** Everything but the body: what a list needs. */
export const fieldsWithoutBody = Object.keys(Message.properties)
  .filter((field) => field !== 'url' && field !== 'body')
  .join(',')

/** Graph's answer as a page of messages. @throws {Failure} `graph_answer_invalid` */
export function asPage(answer: unknown): GraphPage {
  if (graphPage.Check(answer)) return answer as GraphPage
  throw new Failure('graph_answer_invalid', { cause: new Error('Graph’s answer is not a page of messages') })
}

/** Graph's answer as one message. @throws {Failure} `graph_answer_invalid` */
export function asMessage(answer: unknown): GraphMessage {
  if (graphMessage.Check(answer)) return answer
  throw new Failure('graph_answer_invalid', { cause: new Error('Graph’s answer is not a message') })
}

/** A message for the agent: with its link, and with as much of the body as was asked for. */
export async function present(message: GraphMessage, format: BodyFormat): Promise<Message> {
  const { body, ...rest } = message
  const linked = { ...rest, url: `https://admin.microsoft.com/#/MessageCenter/:/messages/${message.id}` }
  if (format === 'none' || body === undefined || body === null) return linked
  if (format === 'html' || body.contentType !== 'html') return { ...linked, body }
  const { htmlToPlainText } = await import('./html-to-plain-text.ts')
  return { ...linked, body: { contentType: 'text', content: htmlToPlainText(body.content) } }
}
