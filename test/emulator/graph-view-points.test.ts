import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createViewPoints } from '../../emulator/graph/view-points.ts'

const untouched = { isArchived: false, isFavorited: false, isRead: false }

test('a user’s change is stored, and affects neither other users nor other posts', () => {
  const viewPoints = createViewPoints()
  const [before, other, elsewhere] = [
    viewPoints.of('ada', 'MC1'),
    viewPoints.of('bo', 'MC1'),
    viewPoints.of('ada', 'MC2'),
  ]
  viewPoints.change('ada', 'MC1', { isRead: !before?.isRead })
  viewPoints.change('ada', 'MC1', { isArchived: true })
  assert.deepEqual(viewPoints.of('ada', 'MC1'), {
    ...untouched,
    ...before,
    isRead: !before?.isRead,
    isArchived: true,
  })
  assert.deepEqual(viewPoints.of('bo', 'MC1'), other)
  assert.deepEqual(viewPoints.of('ada', 'MC2'), elsewhere)
})

test('a post that was never opened has no view point until something is done with it', () => {
  const viewPoints = createViewPoints()
  const ids = Array.from({ length: 400 }, (_, index) => `MC${1_200_000 + index}`)
  const unopened = ids.filter((id) => viewPoints.of('ada', id) === null)
  assert.ok(unopened.length > 80 && unopened.length < 160, `${unopened.length}`)
  const [id = ''] = unopened
  viewPoints.change('ada', id, { isFavorited: true })
  assert.deepEqual(viewPoints.of('ada', id), { ...untouched, isFavorited: true })
})

test('some of what a reader did to a post is null, and all three states occur', () => {
  const viewPoints = createViewPoints()
  const seen = Array.from({ length: 400 }, (_, index) => viewPoints.of('ada', `MC${1_200_000 + index}`))
  for (const property of ['isArchived', 'isFavorited', 'isRead'] as const) {
    const states = new Set(seen.flatMap((viewPoint) => (viewPoint === null ? [] : [viewPoint[property]])))
    assert.deepEqual(states, new Set([true, false, null]), property)
  }
})
