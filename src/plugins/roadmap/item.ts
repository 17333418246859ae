import { type Static, Type } from 'typebox'

const text = (description: string) => Type.Optional(Type.String({ description }))
const texts = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

/** An item of Microsoft's public roadmap. What the feed does not say is left out. */
export const RoadmapItem = Type.Object({
  id: Type.String({ description: 'Roadmap id, such as 478611' }),
  title: text('Title'),
  description: text('What is planned'),
  status: text('In development, Rolling out, Launched or Cancelled'),
  products: texts('Products it is about'),
  platforms: texts('Web, Desktop, iOS …'),
  clouds: texts('Worldwide (Standard Multi-Tenant), GCC, GCC High, DoD'),
  rings: texts('Targeted Release, General Availability …'),
  generalAvailability: text('When it is planned for everybody: YYYY-MM'),
  preview: text('When its preview is planned: YYYY-MM'),
  created: text('When it came on the roadmap (ISO 8601)'),
  modified: text('When it was last changed (ISO 8601)'),
  url: Type.String({ description: 'The item on the roadmap, for people' }),
})
export type RoadmapItem = Static<typeof RoadmapItem>

/** Ids that the feed can be asked for: it has them as 32-bit integers. */
export const roadmapIdPattern = '^[1-9][0-9]{0,8}$'

/** Names of the feed, as seen in its responses: Microsoft documents none. */
const textFields = {
  title: 'title',
  description: 'description',
  status: 'status',
  generalAvailability: 'generalAvailabilityDate',
  preview: 'previewAvailabilityDate',
  created: 'created',
  modified: 'modified',
} as const
const listFields = {
  products: 'products',
  platforms: 'platforms',
  clouds: 'cloudInstances',
  rings: 'releaseRings',
} as const

/** An entry of the feed as an item; undefined where it has no id. */
export function toRoadmapItem(entry: unknown): RoadmapItem | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const fields = entry as Record<string, unknown>
  const id = String(fields['id'])
  if (!new RegExp(roadmapIdPattern).test(id)) return undefined
  const known: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(textFields)) {
    const value = fields[field]
    if (typeof value === 'string' && value.trim() !== '') known[name] = value.trim()
  }
  for (const [name, field] of Object.entries(listFields)) {
    const value = fields[field]
    if (Array.isArray(value)) known[name] = value.filter((one) => typeof one === 'string')
  }
  return { id, ...known, url: `https://www.microsoft.com/microsoft-365/roadmap?id=${id}` }
}
