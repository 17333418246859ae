import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createViewPoints } from '../../emulator/graph/view-points.ts'

test('a change by one user is kept, and touches neither other users nor other posts', () => {
  const viewPoints = createViewPoints()
  const [before, other, elsewhere] = [
    viewPoints.of('ada', 'MC1'),
    viewPoints.of('bo', 'MC1'),
    viewPoints.of('ada', 'MC2'),
  ]
  viewPoints.change('ada', 'MC1', { isRead: !before.isRead })
  viewPoints.change('ada', 'MC1', { isArchived: true })
  assert.deepEqual(viewPoints.of('ada', 'MC1'), { ...before, isRead: !before.isRead, isArchived: true })
  assert.deepEqual(viewPoints.of('bo', 'MC1'), other)
  assert.deepEqual(viewPoints.of('ada', 'MC2'), elsewhere)
})
