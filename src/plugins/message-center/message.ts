import { setImmediate } from 'node:timers/promises'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Failure } from '../../errors/index.ts'
import { FeatureStatus, featureStatusDetail, readFeatureStatus } from './feature-status.ts'

/** Where messages are, below the Graph base. */
export const messagesPath = '/admin/serviceAnnouncement/messages'

const text = (description: string) => Type.Optional(Type.String({ description }))
const flag = (description: string) => Type.Optional(Type.Boolean({ description }))

const Detail = Type.Object({
  name: Type.String({ description: 'Summary, RoadmapIds, Platforms, ExternalLink, BlogLink, HelpLink …' }),
  value: Type.String(),
})
const ViewPoint = Type.Object(
  {
    isRead: flag('not true: unread'),
    isFavorited: flag('not true: no favorite'),
    isArchived: flag('not true: not archived'),
  },
  { description: 'What the signed-in user did with it; left out: nothing yet' },
)
const Body = Type.Object({
  contentType: Type.String({ description: 'text or html' }),
  content: Type.String(),
})

/**
 * A Message Center post as Graph shapes it, with `url` and `featureStatus` added. Fields beyond these are passed on as
 * they come; those that are null, or something else than here, are left out: a schema of one plain type has no null,
 * and some clients refuse any other schema.
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
  isMajorChange: flag('Whether Microsoft calls it a major change'),
  actionRequiredByDateTime: text('When an administrator must have acted (ISO 8601), if at all'),
  startDateTime: text('When it was posted'),
  endDateTime: text('When it leaves the Message Center'),
  lastModifiedDateTime: text('When it was last changed'),
  details: Type.Optional(Type.Array(Detail, { description: 'Named values: Summary, RoadmapIds, Platforms …' })),
  featureStatus: Type.Optional(
    Type.Array(FeatureStatus, { description: 'How far the rollout to this tenant is, by roadmap id and platform' }),
  ),
  hasAttachments: flag('Whether it has attachments'),
  viewPoint: Type.Optional(ViewPoint),
  body: Type.Optional(Body),
})
export type Message = Static<typeof Message>

/** How much of a message's body a result carries: nothing, plain text, or Graph's own HTML. */
export const BodyFormat = Type.Enum(['none', 'text', 'html'], { type: 'string' })
export type BodyFormat = Static<typeof BodyFormat>

/** All that a message of Graph has to have. What else it has is looked at one field at a time: fields come and go. */
const GraphMessage = Type.Object({ id: Type.String() })
const graphMessage = Compile(GraphMessage)
const graphPage = Compile(
  Type.Object({
    value: Type.Array(GraphMessage),
    '@odata.count': Type.Optional(Type.Integer()),
    '@odata.nextLink': Type.Optional(Type.String()),
  }),
)

interface GraphMessage extends Static<typeof GraphMessage> {
  readonly [field: string]: unknown
}
export interface GraphPage {
  readonly value: readonly GraphMessage[]
  readonly '@odata.count'?: number
  readonly '@odata.nextLink'?: string
}

/** Everything but the body: what a list needs. */
export const fieldsWithoutBody = Object.keys(Message.properties)
  .filter((field) => field !== 'url' && field !== 'featureStatus' && field !== 'body')
  .join(',')

/** Graph's response as a page of messages. @throws {Failure} `graph_response_invalid` */
export function asPage(response: unknown): GraphPage {
  if (graphPage.Check(response)) return response as GraphPage
  throw new Failure('graph_response_invalid', { cause: new Error('Graph’s response is not a page of messages') })
}

/** Graph's response as one message. @throws {Failure} `graph_response_invalid` */
export function asMessage(response: unknown): GraphMessage {
  if (graphMessage.Check(response)) return response
  throw new Failure('graph_response_invalid', { cause: new Error('Graph’s response is not a message') })
}

const isBody = Compile(Body)
const isDetail = Compile(Detail)
const fieldChecks = Object.entries(Message.properties).map(([field, schema]) => [field, Compile(schema)] as const)

/** The whole rendering of a page ends within this; a page of a thousand posts takes a third of it. */
const maxPageMs = 3_000
/** Several times the text of a thousand posts. */
const maxPageChars = 8 * 1024 * 1024

export interface Rendering {
  /** HTML as plain text. */
  readonly toText?: (html: string) => string
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** A message for the agent: with its link, and with as much of the body as was asked for. */
export async function present(message: GraphMessage, format: BodyFormat, rendering?: Rendering): Promise<Message> {
  const [presented] = await presentAll([message], format, rendering)
  return presented as Message
}

/**
 * Messages for the agent. Others get their turn between any two bodies; a body that cannot be rendered, or not within
 * the time and size of a page, is a note with the link, and the others are as they would be without it.
 */
export async function presentAll(
  messages: readonly GraphMessage[],
  format: BodyFormat,
  { toText, now = () => performance.now() }: Rendering = {},
): Promise<Message[]> {
  const render = toText ?? (format === 'text' ? (await import('./html-to-plain-text.ts')).htmlToPlainText : undefined)
  const endMs = now() + maxPageMs
  let leftChars = maxPageChars
  const presented: Message[] = []
  for (const message of messages) {
    const { body, ...rest } = message
    const shown = conforming(rest)
    presented.push(shown)
    if (format === 'none' || body === undefined || body === null) continue
    if (isBody.Check(body) && (format === 'html' || render === undefined || !/^html$/i.test(body.contentType))) {
      shown.body = body
      continue
    }
    const content = isBody.Check(body) && now() < endMs ? rendered(body.content, render, leftChars) : undefined
    leftChars -= content?.length ?? 0
    shown.body = { contentType: 'text', content: content ?? unreadable(shown.url) }
    await setImmediate()
  }
  return presented
}

/** A body as text; undefined where rendering fails: a post is untrusted input, and may break any converter. */
function rendered(html: string, render: Rendering['toText'], maxChars: number): string | undefined {
  try {
    const text = render?.(html)
    return text !== undefined && text.length <= maxChars ? text : undefined
  } catch {
    return undefined
  }
}

function unreadable(url: string): string {
  return `[The body of this post could not be read here. Read it in the Microsoft 365 admin center: ${url}]`
}

/** The fields as the schema has them: without those that are null or something else, and without OData's own. */
function conforming(message: GraphMessage): Message {
  const { details, featureStatus } = splitDetails(message)
  const { viewPoint } = message
  const all = withoutNulls({
    ...message,
    url: `https://admin.microsoft.com/#/MessageCenter/:/messages/${message.id}`,
    details,
    featureStatus,
    viewPoint: typeof viewPoint === 'object' && viewPoint !== null ? withoutNulls(viewPoint) : undefined,
  })
  for (const [field, schema] of fieldChecks) if (!schema.Check(all[field])) delete all[field]
  return all as Message
}

function withoutNulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !name.includes('@') && value !== null && value !== undefined),
  )
}

/** What `details` say of the rollout is told as data, once; what cannot be read stays where it is. */
function splitDetails(message: GraphMessage): Pick<Message, 'details' | 'featureStatus'> {
  const given = message['details']
  if (!Array.isArray(given)) return {}
  const details: Static<typeof Detail>[] = []
  const featureStatus: FeatureStatus[] = []
  for (const detail of given) {
    if (!isDetail.Check(detail)) continue
    const read = detail.name === featureStatusDetail ? readFeatureStatus(detail.value) : undefined
    if (read === undefined) details.push(detail)
    else featureStatus.push(...read)
  }
  return { details, ...(featureStatus.length > 0 && { featureStatus }) }
}
