import type { Detail, Message } from './message.ts'
import { collectionOf, type EnumType, edm, type StructuredType, structured } from './odata/types.ts'
import type { ViewPoint } from './view-points.ts'

/** A post as one reader sees it, which expressions are evaluated over. */
export interface Post extends Message {
  viewPoint: ViewPoint | null
}

const category: EnumType = {
  kind: 'enum',
  name: 'microsoft.graph.serviceUpdateCategory',
  members: ['preventOrFixIssue', 'planForChange', 'stayInformed'],
}

const severity: EnumType = {
  kind: 'enum',
  name: 'microsoft.graph.serviceUpdateSeverity',
  members: ['normal', 'high', 'critical'],
}

const bodyType: EnumType = { kind: 'enum', name: 'microsoft.graph.bodyType', members: ['text', 'html'] }

const itemBody = structured<Message['body']>('microsoft.graph.itemBody', {
  contentType: bodyType,
  content: edm.string,
})

const keyValuePair = structured<Detail>('microsoft.graph.keyValuePair', { name: edm.string, value: edm.string })

const viewPoint = structured<ViewPoint>('microsoft.graph.serviceUpdateMessageViewpoint', {
  isArchived: edm.boolean,
  isFavorited: edm.boolean,
  isRead: edm.boolean,
})

/**
 * The entity type in Graph's $metadata, in the order in which Graph writes a post's properties.
 * @see https://learn.microsoft.com/graph/api/resources/serviceupdatemessage#properties
 */
export const serviceUpdateMessage: StructuredType = structured<Post>('microsoft.graph.serviceUpdateMessage', {
  startDateTime: edm.dateTimeOffset,
  endDateTime: edm.dateTimeOffset,
  lastModifiedDateTime: edm.dateTimeOffset,
  title: edm.string,
  id: edm.string,
  category,
  severity,
  tags: collectionOf(edm.string),
  isMajorChange: edm.boolean,
  actionRequiredByDateTime: edm.dateTimeOffset,
  services: collectionOf(edm.string),
  hasAttachments: edm.boolean,
  viewPoint,
  details: collectionOf(keyValuePair),
  body: itemBody,
})

/**
 * "This property doesn't support filters" of `details`.
 * @see https://learn.microsoft.com/graph/api/resources/serviceupdatemessage#properties
 */
export const documentedUnfilterable: readonly string[] = ['details']
