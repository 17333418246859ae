import { dayMs, midnightOf } from './calendar.ts'
import storiesJson from './stories.json' with { type: 'json' }
import type { Family, Feature } from './story.ts'

const stories = storiesJson as readonly Family[]

/** An item of Microsoft's public roadmap, as its feed has it. */
export interface RoadmapItem {
  id: number
  title: string
  description: string
  status: 'In development' | 'Rolling out' | 'Launched'
  products: readonly string[]
  platforms: readonly string[]
  cloudInstances: readonly string[]
  releaseRings: readonly string[]
  moreInfoUrls: readonly string[]
  /** `2026-12` */
  generalAvailabilityDate: string | null
  previewAvailabilityDate: string | null
  /** Seven digits of a second, as .NET writes them. */
  created: string
  modified: string
  locale: null
  availabilities: readonly { ring: string; year: number; month: string }[]
}

const clouds = ['Worldwide (Standard Multi-Tenant)', 'GCC', 'GCC High', 'DoD']

/**
 * The items that posts name, by id.
 * @param now epoch milliseconds; months are relative to it
 */
export function createRoadmap(now: number): readonly RoadmapItem[] {
  const today = midnightOf(now)
  return stories
    .flatMap(({ product, features }) => features.flatMap((feature) => itemsOf(product, feature, today)))
    .sort((a, b) => a.id - b.id)
}

function itemsOf(product: string, feature: Feature, today: number): RoadmapItem[] {
  const { name, lede, platforms = 'Web', posts } = feature
  const ids = new Set(posts.flatMap(({ roadmapIds = [] }) => roadmapIds))
  const takesEffect = Math.max(...posts.map((post) => post.takesEffect))
  const available = new Date(today + takesEffect * dayMs)
  const ring = 'General Availability'
  return [...ids].map((id) => ({
    id,
    title: `${product}: ${name}${id === feature.roadmap ? '' : ', next step'}`,
    description: lede,
    status: takesEffect < 0 ? 'Launched' : takesEffect < 30 ? 'Rolling out' : 'In development',
    products: [product],
    platforms: platforms.split(', '),
    cloudInstances: clouds.slice(0, 1 + (id % clouds.length)),
    releaseRings: id % 3 === 0 ? ['Targeted Release', ring] : [ring],
    moreInfoUrls: [],
    generalAvailabilityDate: available.toISOString().slice(0, 7),
    previewAvailabilityDate: id % 4 === 0 ? new Date(available.getTime() - 60 * dayMs).toISOString().slice(0, 7) : null,
    created: timestamp(available.getTime() - 200 * dayMs),
    modified: timestamp(today - (id % 90) * dayMs),
    locale: null,
    availabilities: [
      {
        ring,
        year: available.getUTCFullYear(),
        month: available.toLocaleString('en', { month: 'long', timeZone: 'UTC' }),
      },
    ],
  }))
}

function timestamp(time: number): string {
  return new Date(time).toISOString().replace('Z', '0000Z')
}
