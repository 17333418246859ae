import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFeatureStatus } from '../../../src/plugins/message-center/feature-status.ts'

test('each roadmap id and platform is an entry; what is null is left out', () => {
  const json = JSON.stringify({
    523207: [{ RoadmapId: 523207, Platform: 'Android', Status: 'InRollout', LastUpdateTime: 't1', LatestRing: null }],
    523208: [
      { RoadmapId: 523208, Platform: 'iOS', Status: 'Scheduled', LastUpdateTime: 't2', LatestRing: 'TargetedRelease' },
      { Status: 'Launched', Unknown: {} },
    ],
  })
  assert.deepEqual(readFeatureStatus(json), [
    { roadmapId: '523207', platform: 'Android', status: 'InRollout', lastUpdateTime: 't1' },
    { roadmapId: '523208', platform: 'iOS', status: 'Scheduled', lastUpdateTime: 't2', latestRing: 'TargetedRelease' },
    { roadmapId: '523208', status: 'Launched' },
  ])
})

test('nothing is told of no item', () => {
  assert.deepEqual(readFeatureStatus('{}'), [])
  assert.deepEqual(readFeatureStatus('{"1":[]}'), [])
})

for (const json of [
  '',
  '{"1":[',
  'null',
  '7',
  '[]',
  '"x"',
  '{"1":null}',
  '{"1":{}}',
  '{"1":[null]}',
  '{"1":[7]}',
  '{"1":[{"Platform":"Web"}]}',
  '{"1":[{"Status":7}]}',
  '{"1":[{"Status":"Launched","Platform":7}]}',
  '{"1":[{"Status":"Launched"}],"2":[{}]}',
]) {
  test(`${JSON.stringify(json)} is no rollout status`, () => {
    assert.equal(readFeatureStatus(json), undefined)
  })
}
