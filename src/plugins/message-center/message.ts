import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Failure } from '../../errors/index.ts'
import { FeatureStatus } from './feature-status.ts'
import { Milestone } from './milestones/index.ts'

/** Where messages are, below the Graph base. */
export const messagesPath = '/admin/serviceAnnouncement/messages'

/** A message's id, as a pattern for schemas. */
export const messageIdPattern = '^MC[0-9]{1,10}$'

/** Where people read a message. */
export function urlOf(id: string): string {
  return `https://admin.microsoft.com/#/MessageCenter/:/messages/${id}`
}

/** A message as a resource of MCP. */
export function resourceUriOf(id: string): string {
  return `message-center://messages/${id}`
}

/** The view of messages, as a resource of MCP Apps. */
export const viewUri = 'ui://message-center/view'

const text = (description?: string) => Type.Optional(Type.String(described(description)))
const flag = (description?: string) => Type.Optional(Type.Boolean(described(description)))
const texts = (description?: string) => Type.Optional(Type.Array(Type.String(), described(description)))
/** Every description costs each session tokens: a field has one where its name does not say it. */
const described = (description: string | undefined) => (description === undefined ? {} : { description })

export const Detail = Type.Object({ name: Type.String(), value: Type.String() })
export type Detail = Static<typeof Detail>
const ViewPoint = Type.Object(
  { isRead: flag(), isFavorited: flag(), isArchived: flag() },
  { description: "The user's own marks; what is left out is not set" },
)
export type ViewPoint = Static<typeof ViewPoint>
const BodyText = Type.Object({
  contentType: Type.String({ description: 'text or html' }),
  content: Type.String(),
})

/** The fields that Graph has for a message, as Graph shapes them. Source: Microsoft Graph, "serviceUpdateMessage". */
const graphFields = {
  title: text(),
  category: text(),
  severity: text(),
  services: texts(),
  tags: texts(),
  isMajorChange: flag(),
  actionRequiredByDateTime: text(),
  startDateTime: text('When it was posted'),
  endDateTime: text('When it leaves the Message Center'),
  lastModifiedDateTime: text(),
  hasAttachments: flag(),
}

/** The view `compact`: what a list needs, for as few tokens as can be. */
export const Row = Type.Object({
  id: Type.String(),
  title: text(),
  services: texts(),
  category: text(),
  major: flag(),
  changed: text('Day of the last change'),
  due: text('Day of the next deadline'),
  cancelled: flag('Its text says that the change does not come'),
  dates: texts('Its milestones that the arguments ask for'),
})
export type Row = Static<typeof Row>

/**
 * A message in any of its views. `standard` has what Graph has, with its named details as members; `graph` has Graph's
 * own `details`; `compact` is a {@link Row}. Fields that are null, or something else than here, are left out: a schema
 * of one plain type has no null, and some clients reject any other schema.
 */
export const Message = Type.Object({
  ...Row.properties,
  url: text('For people'),
  ...graphFields,
  summary: text(),
  roadmapIds: texts(),
  platforms: texts(),
  featureStatus: Type.Optional(Type.Array(FeatureStatus, { description: 'How far its rollout to this tenant is' })),
  externalLink: text(),
  blogLink: text(),
  helpLink: text(),
  details: Type.Optional(Type.Array(Detail)),
  viewPoint: Type.Optional(ViewPoint),
  body: Type.Optional(BodyText),
  milestones: Type.Optional(Type.Array(Milestone, { description: 'Dates in its text' })),
})
export type Message = Static<typeof Message>

/** How much of a message's body a result carries: nothing, plain text, or Graph's own HTML. */
export const BodyFormat = Type.Enum(['none', 'text', 'html'], { type: 'string' })
export type BodyFormat = Static<typeof BodyFormat>

/** All that a message of Graph has to have. What else it has is looked at one field at a time: fields come and go. */
export interface GraphMessage {
  readonly id: string
  readonly [field: string]: unknown
}
const messages = Compile(Type.Array(Type.Object({ id: Type.String() })))

/** Everything but the body. */
export const fieldsWithoutBody = ['id', ...Object.keys(graphFields), 'details', 'viewPoint'].join(',')
export const fieldsOfBodies = 'id,lastModifiedDateTime,startDateTime,body'

/** Entries of a page as messages. @throws {Failure} `graph_response_invalid` */
export function asMessages(entries: readonly unknown[]): readonly GraphMessage[] {
  if (messages.Check(entries)) return entries
  throw new Failure('graph_response_invalid', { cause: new Error('Graph’s response has a message without an id') })
}

const checks = Object.entries({ ...graphFields, viewPoint: ViewPoint }).map(
  ([field, schema]) => [field, Compile(schema)] as const,
)

/** Graph's fields as the schema has them, without those that are null or something else. */
export type KnownFields = Omit<Partial<Pick<Message, keyof typeof graphFields>> & { viewPoint?: ViewPoint }, 'details'>

export function knownFields(message: GraphMessage): KnownFields {
  const known: Record<string, unknown> = {}
  for (const [field, check] of checks) {
    const given = message[field]
    const value = field === 'viewPoint' && typeof given === 'object' && given !== null ? withoutNulls(given) : given
    if (value !== null && value !== undefined && check.Check(value)) known[field] = value
  }
  return known
}

function withoutNulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !name.includes('@') && value !== null))
}

const isDetail = Compile(Detail)

export function detailsOf(message: GraphMessage): Detail[] {
  const given = message['details']
  return Array.isArray(given) ? given.filter((detail): detail is Detail => isDetail.Check(detail)) : []
}
