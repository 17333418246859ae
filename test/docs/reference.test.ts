import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { permissionsOf } from '../../src/lib/graph-permissions.ts'
import { tools } from '../../src/tools/index.ts'
import { build, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { codeBlocks, codeSpans, readText, section, tableRows } from './markdown.ts'

const readme = readText('README.md')
const tenant = await startEmulator()
test.after(() => tenant.close())

for (const { definition } of tools) {
  const { name, inputSchema } = definition

  test(`the README has every argument of ${name}, and no other`, () => {
    const documented = tableRows(section(readme, name)).flatMap(([cell = '']) => codeSpans(cell))
    assert.deepEqual(documented.sort(), Object.keys(inputSchema.properties).sort())
  })

  test(`the README says which arguments of ${name} are required`, () => {
    const marked = tableRows(section(readme, name)).filter(([, takes = '']) => takes.startsWith('required'))
    assert.deepEqual(
      marked.flatMap(([cell = '']) => codeSpans(cell)),
      inputSchema.required ?? [],
    )
  })

  test(`the README gives the defaults of ${name} that its schema states`, () => {
    for (const [argument = '', takes = ''] of tableRows(section(readme, name))) {
      const documented = /`?(\w+)`? \(default\)|\(default `?(\w+)`?\)/.exec(takes)
      if (documented === null) continue
      const { description = '' } = inputSchema.properties[codeSpans(argument)[0] ?? ''] as { description?: string }
      const value = documented[1] ?? documented[2] ?? ''
      assert.match(description, new RegExp(`${value} \\(default\\)|Default: ${value}\\.`), argument)
    }
  })
}

test('the README has a section for every tool', () => {
  const headings = [...section(readme, 'Tools').matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(headings, [...tools.map(({ definition }) => definition.name), 'An example'])
})

for (const { scope, roles } of permissionsOf(tools)) {
  test(`the README’s steps by hand have ${scope} and the role that goes with it`, () => {
    const steps = section(readme, 'Connect a real tenant')
    assert.ok(codeSpans(steps).includes(scope))
    for (const role of roles) assert.ok(steps.includes(`*${role}*`), role)
  })

  test(`the page of Copilot’s agent has the role that goes with ${scope}`, () => {
    const page = section(readText('agent/README.md'), 'What the user sees')
    for (const role of roles) assert.ok(page.includes(`*${role}*`), role)
  })
}

test('the README’s example call gets the README’s example result', async (t) => {
  const { app } = await build(t, {}, tenant)
  const [args = '', result = ''] = codeBlocks(section(readme, 'An example'), 'json').map(asOfToday)
  const response = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { ...mcpHeaders(await tenant.mint({ user: 'rowan' })), host: 'localhost' },
    payload: toolCall('getMessages', JSON.parse(args)),
  })
  const given = response.json().result.structuredContent
  const documented = JSON.parse(result)
  assert.equal(given['@odata.count'], documented['@odata.count'])
  assert.equal(given.value.length, 2)
  for (const [field, value] of Object.entries(documented.value[0])) {
    if (field === 'details') assert.deepEqual(given.value[0].details.slice(0, 1), value)
    else assert.deepEqual(given.value[0][field], value, field)
  }
})

/** The tenant's posts are dated from today: moves what was written on another day by as many days as its post has moved. */
function asOfToday(text: string, _index: number, [, result = '']: readonly string[]): string {
  const dayMs = 24 * 60 * 60 * 1000
  const { id, lastModifiedDateTime } = JSON.parse(result).value[0]
  const post = createCorpus().find((message) => message.id === id)
  const moved = Date.parse(post?.lastModifiedDateTime ?? '') - Date.parse(lastModifiedDateTime)
  assert.equal(moved % dayMs, 0, `${id} was changed at another time of the day`)
  return text.replaceAll(/\d{4}-\d\d-\d\d/g, (day) => new Date(Date.parse(day) + moved).toISOString().slice(0, 10))
}

test('the README lists every route, and whether it needs a token', async (t) => {
  const { app } = await build(t, {}, tenant)
  const rows = tableRows(section(readme, 'HTTP endpoints'))
  const documented = rows.flatMap(([cell = '', who]) => codeSpans(cell).map((endpoint) => ({ endpoint, who })))
  for (const { endpoint, who } of documented) {
    const [method, url = ''] = endpoint.split(' ')
    const response = await app.inject({ method: method as 'GET', url, headers: { host: 'localhost' } })
    assert.equal(response.statusCode === 401 ? 'a token' : 'anyone', who, endpoint)
    assert.notEqual(response.statusCode, 404, endpoint)
  }
  const served = routesOf(app.printRoutes({ commonPrefix: false }))
  assert.deepEqual(documented.map(({ endpoint }) => endpoint).sort(), served.sort())
})

/** `METHOD /path` of every route that Fastify's tree shows; HEAD comes with GET, OPTIONS with CORS. */
function routesOf(tree: string): string[] {
  const path: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?/.exec(line) ?? []
    if (part === '') return []
    path.length = indent.length / 4
    path.push(part)
    const url = path.join('')
    const own = methods.split(', ').filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method))
    return own.map((method) => `${method} ${url}`)
  })
}
