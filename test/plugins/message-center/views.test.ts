import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Body, toBody } from '../../../src/plugins/message-center/body.ts'
import type { Milestone } from '../../../src/plugins/message-center/milestones/index.ts'
import { compact, present, type ViewOptions } from '../../../src/plugins/message-center/views.ts'
import { bodyOf, type Fields, foundOf, milestone, postOf } from './posts.ts'

const nowMs = Date.parse('2026-11-29T15:30:00Z')
const url = 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1'

const show = async (fields: Fields, body: Body | undefined, options: Partial<ViewOptions> = {}) => {
  const [shown] = await present([foundOf(fields, body)], { view: 'standard', body: 'none', nowMs, ...options })
  return shown ?? assert.fail('nothing was shown')
}

const full = {
  title: 'T',
  services: ['Microsoft Teams'],
  category: 'planForChange',
  severity: 'high',
  tags: ['Retirement'],
  isMajorChange: true,
  startDateTime: '2026-11-01T00:00:00Z',
  endDateTime: '2027-11-01T00:00:00Z',
  lastModifiedDateTime: '2026-11-20T23:30:00Z',
  actionRequiredByDateTime: '2026-12-24T08:00:00Z',
  details: [
    { name: 'Summary', value: 'S' },
    { name: 'RoadmapIds', value: '478611' },
  ],
  viewPoint: { isRead: true },
}
const { details, ...plain } = full

test('a compact row is id, title, services, category, major, changed and due', async () => {
  assert.deepEqual(await show(full, undefined, { view: 'compact' }), {
    id: 'MC1',
    title: 'T',
    services: ['Microsoft Teams'],
    category: 'planForChange',
    major: true,
    changed: '2026-11-20',
    due: '2026-12-24',
  })
})

test('a compact row of a post that has but an id is that', async () => {
  assert.deepEqual(await show({ isMajorChange: false, lastModifiedDateTime: 'soon' }, undefined, { view: 'compact' }), {
    id: 'MC1',
  })
})

test('the standard view has details as members', async () => {
  assert.deepEqual(await show(full, undefined), { id: 'MC1', url, ...plain, summary: 'S', roadmapIds: ['478611'] })
})

test('the view graph has Graph’s own shape', async () => {
  assert.deepEqual(await show(full, undefined, { view: 'graph' }), { id: 'MC1', url, ...plain, details })
})

const dues: readonly [rule: string, actBy: string | null, deadlines: string[], due: string | undefined][] = [
  ['none', null, [], undefined],
  ['Graph’s date', '2026-12-24T08:00:00Z', [], '2026-12-24'],
  ['Graph’s date of today, though its hour is past', '2026-11-29T00:00:00Z', [], '2026-11-29'],
  ['Graph’s date, past', '2026-11-01T00:00:00Z', [], undefined],
  ['a date that is none', 'soon', [], undefined],
  ['a date of the text', null, ['2026-12-15'], '2026-12-15'],
  ['the next date of the text', null, ['2027-01-15', '2026-11-01', '2026-12-15'], '2026-12-15'],
  ['a date of the text before Graph’s', '2026-12-24T00:00:00Z', ['2026-12-15'], '2026-12-15'],
  ['Graph’s date before one of the text', '2026-12-01T00:00:00Z', ['2026-12-15'], '2026-12-01'],
  ['a date of the text after Graph’s, which is past', '2026-11-01T00:00:00Z', ['2026-12-15'], '2026-12-15'],
  ['dates of the text that are past', null, ['2026-11-01'], undefined],
]
for (const [rule, actionRequiredByDateTime, ends, due] of dues) {
  test(`due in a compact row: ${rule}`, () => {
    const body = bodyOf(
      '',
      ends.map((end) => milestone('deadline', { end })),
    )
    assert.equal(compact(postOf({ actionRequiredByDateTime }), body, nowMs).due, due)
  })
}

test('what only rolls out or retires is not due', () => {
  const dates = [milestone('rollout', { end: '2026-12-15' }), milestone('retirement', { start: '2026-12-15' })]
  assert.equal(compact(postOf(), bodyOf('', dates), nowMs).due, undefined)
})

test('a row has the deadline of its text wherever that was read, though nobody asked for it before', async () => {
  const content = '<p>You must complete this by December 15, 2026.</p>'
  const body = toBody({ id: 'MC1', body: { contentType: 'html', content } }, () => undefined)
  assert.equal((await show({}, body, { view: 'compact' })).due, '2026-12-15')
  assert.equal((await show({}, undefined, { view: 'compact' })).due, undefined)
})

const html = { contentType: 'html', content: '<p>Tom &amp; Jerry</p>' }
const plainText = { contentType: 'text', content: '<b> &amp;' }
const formats: readonly [rule: string, given: object, format: ViewOptions['body'], shown: object | undefined][] = [
  ['HTML as text', html, 'text', { contentType: 'text', content: 'Tom & Jerry' }],
  ['HTML as Graph has it', html, 'html', html],
  ['no HTML', html, 'none', undefined],
  ['a text as text', plainText, 'text', plainText],
  ['a text where HTML is wanted', plainText, 'html', plainText],
  ['no text', plainText, 'none', undefined],
]
for (const [rule, given, format, shown] of formats) {
  test(`of a body ${rule} is shown in every view`, async () => {
    const body = toBody({ id: 'MC1', body: given }, () => undefined)
    for (const view of ['standard', 'graph', 'compact'] as const) {
      assert.deepEqual((await show({}, body, { body: format, view })).body, shown, view)
    }
  })
}

test('a body that was not read is a note with the link, unless none is wanted', async () => {
  for (const format of ['text', 'html'] as const) {
    const { body } = await show({}, undefined, { body: format })
    assert.equal(body?.contentType, 'text')
    assert.match(body?.content ?? '', /could not be read.*admin\.microsoft\.com.*MC1/)
  }
  assert.ok(!('body' in (await show({}, undefined))))
})

test('milestones are shown where they are wanted, be there none', async () => {
  const dates = [milestone('deadline', { end: '2026-12-15' })]
  assert.deepEqual((await show({}, bodyOf('', dates), { milestones: 'all' })).milestones, dates)
  assert.deepEqual((await show({}, bodyOf(''), { milestones: 'all' })).milestones, [])
  assert.ok(!('milestones' in (await show({}, bodyOf('', dates)))))
  assert.ok(!('milestones' in (await show({}, undefined, { milestones: 'all' }))))
})

test('where milestones are asked for, those and no others are shown; in a row, as words', async () => {
  const gcc = {
    ...milestone('rollout', { start: '2026-12-11', end: '2027-01-10' }),
    ring: 'general',
    cloud: 'gcc',
  } as const
  const dates = [
    gcc,
    milestone('deadline', { end: '2026-12-15' }),
    milestone('retirement', { start: '2026-12-20' }),
    milestone('rollout', { start: '2028-01-01' }),
  ]
  const meant = { fromMs: nowMs, untilMs: Date.parse('2027-01-01'), kind: undefined, ring: undefined, cloud: undefined }
  const body = bodyOf('', dates)
  assert.deepEqual((await show({}, body, { milestones: meant })).milestones, dates.slice(0, 3))
  assert.deepEqual((await show({}, body, { milestones: { ...meant, cloud: 'gcc' } })).milestones, [gcc])
  const row = await show({}, body, { view: 'compact', milestones: meant })
  assert.deepEqual(row.dates, [
    'rollout general gcc 2026-12-11 to 2027-01-10',
    'deadline by 2026-12-15',
    'retirement 2026-12-20',
  ])
  assert.ok(!('milestones' in row))
  assert.ok(!('dates' in (await show({}, body, { view: 'compact', milestones: { ...meant, cloud: 'dod' } }))))
  const days = ['11', '12', '13', '14', '15', '16', '17']
  const many = bodyOf(
    '',
    days.map((day) => milestone('rollout', { start: `2026-12-${day}` })),
  )
  assert.equal((await show({}, many, { view: 'compact', milestones: meant })).dates?.length, 6)
})

test('a row’s dates that differ in their cloud alone are one', async () => {
  const in2026 = { ...milestone('rollout', { start: '2026-12-11' }), ring: 'general' } as const
  const body = bodyOf('', [
    { ...in2026, cloud: 'gcc' },
    { ...in2026, ring: 'preview' },
    { ...in2026, cloud: 'dod' },
    in2026,
  ])
  const { dates } = await show({}, body, { view: 'compact', milestones: 'all' })
  assert.deepEqual(dates, [
    'rollout general gcc, dod 2026-12-11',
    'rollout preview 2026-12-11',
    'rollout general 2026-12-11',
  ])
})

test('a change that does not come is cancelled', async () => {
  const bodyThat = (says: string) =>
    toBody({ id: 'MC1', body: { contentType: 'html', content: says } }, () => undefined)
  const gone = bodyThat('<p>We have decided not to move forward with this change in May 2026.</p>')
  for (const options of [{ view: 'compact' }, { milestones: 'all' }] as const) {
    assert.equal((await show({}, gone, options)).cancelled, true)
    assert.ok(!('cancelled' in (await show({}, bodyThat('<p>We move forward in May 2026.</p>'), options))))
  }
})

const written: readonly [days: Partial<Milestone>, words: string][] = [
  [{ start: '2026-12-01', startPrecision: 'month' }, 'rollout 2026-12'],
  [{ start: '2026-12-01', startPrecision: 'part' }, 'rollout early 2026-12'],
  [
    { start: '2026-12-11', end: '2027-01-31', startPrecision: 'part', endPrecision: 'part' },
    'rollout mid 2026-12 to late 2027-01',
  ],
  [{ end: '2027-01-31', endPrecision: 'month' }, 'rollout by 2027-01'],
  [{ kind: 'deadline', end: '2026-12-31', endPrecision: 'month' }, 'deadline by 2026-12-31'],
  [{ start: '2026-12-11', previous: 'late November' }, 'rollout 2026-12-11 (was late November)'],
]
for (const [days, words] of written) {
  test(`a row’s dates are no finer than they are written: ${words}`, async () => {
    const body = bodyOf('', [{ ...milestone('rollout', {}), ...days }])
    assert.deepEqual((await show({}, body, { view: 'compact', milestones: 'all' })).dates, [words])
  })
}

test('together bodies are no longer than they may be: what does not fit are notes', async () => {
  const long = { contentType: 'html', content: 'x'.repeat(5 * 1024 * 1024) }
  const short = { contentType: 'html', content: 'y' }
  const found = [long, long, short].map((body, i) =>
    foundOf(
      { id: `MC${i}` },
      toBody({ id: `MC${i}`, body }, () => undefined),
    ),
  )
  const shown = await present(found, { view: 'standard', body: 'html', nowMs })
  assert.deepEqual(
    shown.map(({ body }) => body?.content.slice(0, 1)),
    ['x', '[', 'y'],
  )
})

test('others get their turn while a page is rendered', async () => {
  const nested = { contentType: 'html', content: '<div>'.repeat(60_000) }
  const found = Array.from({ length: 20 }, (_, i) =>
    foundOf(
      { id: `MC${i}` },
      toBody({ id: `MC${i}`, body: nested }, () => undefined),
    ),
  )
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  assert.equal((await present(found, { view: 'standard', body: 'text', nowMs })).length, 20)
  clearInterval(timer)
  assert.ok(turns >= 2, `${turns}`)
})

test('large results are made one in each turn of the event loop, and small ones at once', async () => {
  const few = [foundOf({ id: 'MC1' }, bodyOf('text'))]
  const content = 'x'.repeat(70 * 1024)
  const long = ['MC1', 'MC2'].map((id) =>
    foundOf(
      { id },
      toBody({ id, body: { contentType: 'html', content } }, () => undefined),
    ),
  )
  // Rendering takes turns of its own.
  for (const { body } of long) body?.prepare(['text'])
  const many = Array.from({ length: 101 }, (_, i) => foundOf({ id: `MC${i}` }, undefined))
  for (const [found, body, turns] of [
    [long, 'html', 3],
    [long, 'text', 3],
    [many, 'none', 3],
    [long, 'none', 1],
    [few, 'html', 1],
  ] as const) {
    let turn = 0
    const counting = { isOn: true }
    setImmediate(function count() {
      turn++
      if (counting.isOn) setImmediate(count)
    })
    const made = await Promise.all(
      [1, 2, 3].map(() => present(found, { view: 'standard', body, nowMs }).then(() => turn)),
    )
    counting.isOn = false
    assert.equal(new Set(made).size, turns, `${found.length} with ${body}: ${made}`)
  }
})
