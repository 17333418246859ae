import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { catalogue } from '../../src/errors/index.ts'
import { freePort, listen, toolCall } from '../helper.ts'
import { type Scrape, scrape } from '../scrape.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { readText, section } from './markdown.ts'

interface Target {
  readonly refId: string
  readonly expr: string
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] }
  readonly panels: readonly Panel[]
}

const dashboard = JSON.parse(readText('docker/grafana/message-center.json')) as Dashboard
const rules = readText('docker/prometheus/alerts.yaml')
const runbook = readText('docs/runbook.md')
const alerts = rules.split(/^ {6}- alert: /m).slice(1)
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const))
const expressions = alerts.map((rule) => {
  const [, expr = ''] = /^ {8}expr: (?:\|\n)?([\s\S]*?)^ {8}(?:for|labels): /m.exec(rule) ?? []
  return [rule.split('\n', 1)[0] ?? '', expr] as const
})

let served: Scrape
before(async () => {
  const tenant = await startEmulator()
  file.after(() => tenant.close())
  const port = String(await freePort())
  const env = { METRICS_PORT: port, REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
  const { origin } = await listen(file, env, tenant)
  const { status } = await post(origin, toolCall('getMessages'), await tenant.mint({ user: 'rowan' }))
  assert.equal(status, 200)
  served = await scrape(port)
})

/** The names in a query that are neither PromQL's own nor in a label matcher. */
function metricsIn(expr: string): string[] {
  return expr.replaceAll(/\{[^}]*\}/g, '').match(/\b(message_center|nodejs|process)_\w+/g) ?? []
}

function isServed(name: string): boolean {
  const family = name.replace(/_(bucket|sum|count)$/, '')
  return served.types.has(name) || served.types.get(family) === 'histogram'
}

for (const [where, expr] of [...queries, ...expressions]) {
  test(`“${where}” asks for metrics that there are: ${expr.trim()}`, () => {
    const names = metricsIn(expr)
    assert.ok(names.length > 0)
    for (const name of names) assert.ok(isServed(name), name)
    for (const [open, close] of ['()', '[]', '{}']) {
      assert.equal(expr.split(String(open)).length, expr.split(String(close)).length, 'brackets do not match')
    }
  })
}

test('every metric of this server’s own is on the dashboard', () => {
  const shown = queries.map(([, expr]) => expr).join('\n')
  for (const name of served.types.keys()) if (name.startsWith('message_center_')) assert.ok(shown.includes(name), name)
})

test('outcomes that alerts look for are reasons, or those of a call that succeeds', () => {
  const outcomes = new Set(served.samples.map(({ labels }) => labels['outcome']))
  const named = expressions.flatMap(([, expr]) =>
    [...expr.matchAll(/(?:reason|outcome)(?:=|!~|=~)"([^"]+)"/g)].flatMap(([, values = '']) => values.split('|')),
  )
  assert.ok(named.length > 5)
  for (const reason of named) assert.ok(Object.hasOwn(catalogue, reason) || outcomes.has(reason), reason)
})

test('what the alerts on single failures count is there before the first', () => {
  for (const reason of ['credential_rejected', 'exchange_misconfigured', 'internal']) {
    assert.ok(served.samples.some(({ name, labels }) => name.endsWith('failures_total') && labels['reason'] === reason))
  }
})

test('the runbook has a section for each alert, in order, and none for others', () => {
  const headings = [...section(runbook, 'Alerts').matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(
    headings,
    expressions.map(([name]) => name),
  )
})

test('each alert says what it is, and how urgent', () => {
  for (const rule of alerts) {
    assert.match(rule, /^ {8}labels: \{ severity: (page|ticket) \}$/m)
    assert.match(rule, /^ {10}summary: \S.{10}/m)
  }
})

test('the dashboard’s panels have ids, titles, sources and places of their own', () => {
  const { panels, schemaVersion, uid, title } = dashboard
  assert.ok(schemaVersion >= 39 && uid !== '' && title !== '')
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { title, type, datasource, targets = [], gridPos } of panels) {
    assert.match(title, /\S/)
    assert.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} lies over another panel`)
        taken.add(`${x} ${y}`)
      }
    }
    if (type === 'row') continue
    assert.deepEqual(datasource, { type: 'prometheus', uid: `$\{datasource}` })
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length)
    assert.ok(targets.length > 0, title)
  }
})

test('the dashboard’s queries use the variables that it has', () => {
  const names = new Set(['__rate_interval', ...dashboard.templating.list.map(({ name }) => name)])
  for (const [title, expr] of queries) {
    for (const [, name = ''] of expr.matchAll(/\$(\w+)/g)) assert.ok(names.has(name), `${title}: ${name}`)
  }
})
