import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { RoadmapItem, toRoadmapItem } from '../../../src/plugins/roadmap/item.ts'

/** As the feed has it. */
const entry = {
  id: 478611,
  title: 'Microsoft Teams: Chapters',
  description: 'Recordings get chapters.',
  status: 'In development',
  products: ['Microsoft Teams'],
  platforms: ['Web', 'Desktop'],
  cloudInstances: ['Worldwide (Standard Multi-Tenant)', 'GCC'],
  releaseRings: ['General Availability'],
  moreInfoUrls: [],
  generalAvailabilityDate: '2026-12',
  previewAvailabilityDate: null,
  created: '2026-01-23T00:15:18.0000000Z',
  modified: '2026-09-17T23:00:20.4802984Z',
  locale: null,
  availabilities: [{ ring: 'General Availability', year: 2026, month: 'December' }],
}
const item = {
  id: '478611',
  title: 'Microsoft Teams: Chapters',
  description: 'Recordings get chapters.',
  status: 'In development',
  products: ['Microsoft Teams'],
  platforms: ['Web', 'Desktop'],
  clouds: ['Worldwide (Standard Multi-Tenant)', 'GCC'],
  rings: ['General Availability'],
  generalAvailability: '2026-12',
  created: '2026-01-23T00:15:18.0000000Z',
  modified: '2026-09-17T23:00:20.4802984Z',
  url: 'https://www.microsoft.com/microsoft-365/roadmap?id=478611',
}
const bare = { id: item.id, url: item.url }

const rows: readonly [what: string, entry: unknown, expected: unknown][] = [
  ['an entry of the feed', entry, item],
  ['an id as text', { id: '478611' }, bare],
  ['a date of a preview', { id: 478611, previewAvailabilityDate: '2026-10' }, { ...bare, preview: '2026-10' }],
  ['text with blanks around it', { id: 478611, title: ' A title\n' }, { ...bare, title: 'A title' }],
  ['texts that are none', { id: 478611, title: 7, status: '', description: null, created: {} }, bare],
  ['lists that are none', { id: 478611, products: 'Teams', platforms: null }, bare],
  ['lists with something else in them', { id: 478611, products: ['Teams', null, 7] }, { ...bare, products: ['Teams'] }],
  ['no id', { title: 'A title' }, undefined],
  ['an id that is none', { id: '478611&x=1' }, undefined],
  ['an id below one', { id: 0 }, undefined],
  ['null', null, undefined],
  ['a text', 'item', undefined],
]

for (const [what, given, expected] of rows) {
  test(`${what} ${expected === undefined ? 'is no item' : 'is an item with what it says'}`, () => {
    const read = toRoadmapItem(given)
    assert.deepEqual(read, expected)
    if (read !== undefined) assert.ok(Value.Check(RoadmapItem, read))
  })
}
