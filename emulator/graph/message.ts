/** One `microsoft.graph.keyValuePair` of a post's `details`: RoadmapIds, Summary, Platforms or ExternalLink. */
export interface Detail {
  name: string
  value: string
}

/**
 * A Message Center post as Graph returns it, without the reader's `viewPoint`.
 * Dates are ISO 8601 in UTC.
 * @see https://learn.microsoft.com/graph/api/resources/serviceupdatemessage
 */
export interface Message {
  id: string
  title: string
  startDateTime: string
  endDateTime: string
  lastModifiedDateTime: string
  category: 'preventOrFixIssue' | 'planForChange' | 'stayInformed'
  severity: 'normal' | 'high' | 'critical'
  tags: readonly string[]
  services: readonly string[]
  isMajorChange: boolean
  actionRequiredByDateTime: string | null
  hasAttachments: boolean
  details: readonly Detail[]
  body: { contentType: 'html'; content: string }
}
