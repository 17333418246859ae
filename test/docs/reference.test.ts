import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { permissionsOf } from '../../src/lib/graph-permissions.ts'
import { prompts } from '../../src/prompts/index.ts'
import { resources } from '../../src/resources/index.ts'
import { defaultTools, tools } from '../../src/tools/index.ts'
import { allToolsOn, build, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { codeBlocks, codeSpans, readText, section, tableRows } from './markdown.ts'

const readme = readText('README.md')
const page = readText('docs/tools.md')
const tenant = await startEmulator()
test.after(() => tenant.close())

/** A tool's section of docs/tools.md, and the rows of its arguments; those that tools share have a section of their own. */
function documented(name: string) {
  const text = section(page, name)
  const [own = ''] = text.split(/^\| result /m)
  return { text, rows: tableRows(own.includes('(#filters)') ? `${section(page, 'Filters')}\n${own}` : own) }
}

for (const { definition } of tools) {
  const { name, inputSchema } = definition

  test(`docs/tools.md has every argument of ${name}, and no other`, () => {
    const named = documented(name).rows.flatMap(([cell = '']) => codeSpans(cell))
    assert.deepEqual(named.sort(), Object.keys(inputSchema.properties).sort())
  })

  test(`docs/tools.md says which arguments of ${name} are required`, () => {
    const marked = documented(name).rows.filter(([, takes = '']) => takes.startsWith('required'))
    assert.deepEqual(
      marked.flatMap(([cell = '']) => codeSpans(cell)),
      inputSchema.required ?? [],
    )
  })

  test(`docs/tools.md gives the defaults of ${name} that its schema states`, () => {
    for (const [argument = '', takes = ''] of documented(name).rows) {
      const stated = /`?(\w+)`? \(default\)|\(default `?(\w+)`?\)/.exec(takes)
      if (stated === null) continue
      const { description = '' } = inputSchema.properties[codeSpans(argument)[0] ?? ''] as { description?: string }
      const value = stated[1] ?? stated[2] ?? ''
      assert.match(description, new RegExp(`${value} \\(default\\)|Default: ${value}\\.`), argument)
    }
  })

  test(`docs/tools.md names fields that results of ${name} have`, () => {
    const [, results = ''] = documented(name).text.split(/^\| result /m)
    const fields = tableRows(`| result ${results}`).flatMap(([cell = '']) => codeSpans(cell))
    for (const field of fields) assert.ok(field in definition.outputSchema.properties, field)
  })
}

test('the README has a row for every tool, and docs/tools.md a section for every row', () => {
  const rows = tableRows(section(readme, 'Tools')).flatMap(([cell = '']) => codeSpans(cell))
  const names = tools.map(({ definition }) => definition.name)
  assert.deepEqual(rows, names)
  const headings = [...page.matchAll(/^## (get.+|set.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(headings, rows)
})

test('docs/tools.md has every prompt with its arguments', () => {
  const rows = tableRows(section(page, 'Prompts')).map(([name = '', given = '']) => [
    ...codeSpans(name),
    ...codeSpans(given),
  ])
  assert.deepEqual(
    rows,
    prompts.map((prompt) => [prompt.name, ...prompt.arguments.map(({ name }) => name)]),
  )
})

test('the README names every prompt and every resource', () => {
  const spans = codeSpans(section(readme, 'Tools'))
  for (const { name } of prompts) assert.ok(spans.includes(name), name)
  for (const { uriTemplate } of resources) assert.ok(spans.includes(uriTemplate), uriTemplate)
})

for (const { scope, roles } of permissionsOf(tools)) {
  test(`the steps by hand of docs/setup-entra.md have ${scope} and the role that goes with it`, () => {
    const steps = section(readText('docs/setup-entra.md'), 'By hand')
    const where = 'docs/setup-entra.md, "By hand",'
    assert.ok(codeSpans(steps).includes(scope), `${where} lacks the permission \`${scope}\``)
    for (const role of roles) assert.ok(steps.includes(`*${role}*`), `${where} lacks the role *${role}*`)
  })
}

for (const { scope, roles } of permissionsOf(defaultTools)) {
  test(`the page of Copilot’s agent has the role that goes with ${scope}`, () => {
    const page = section(readText('agent/README.md'), 'What the user sees')
    for (const role of roles)
      assert.ok(page.includes(`*${role}*`), `agent/README.md, "What the user sees", lacks the role *${role}*`)
  })
}

const examples = [
  ['the README', 'getDigest', section(readme, 'An example')],
  ...tools.map(({ definition: { name } }) => ['docs/tools.md', name, documented(name).text] as const),
] as const

for (const [where, name, text] of examples) {
  test(`the example of ${name} in ${where} gets the result that is shown`, async (t) => {
    const { app } = await build(t, allToolsOn, tenant)
    const [args = '', result = ''] = codeBlocks(text, 'json').map(asOfToday)
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...mcpHeaders(await tenant.mint({ user: userFor(name) })), host: 'localhost' },
      payload: toolCall(name, JSON.parse(args)),
    })
    assertHas(response.json().result.structuredContent, JSON.parse(result), name)
  })
}

/** A Message Center Reader, where the tool needs no other role; else an administrator. */
function userFor(name: string): string {
  const tool = tools.find(({ definition }) => definition.name === name)
  const roles = tool?.permissions.flatMap((permission) => permission.roles) ?? []
  return roles.every((role) => role === 'Message Center Reader') ? 'rowan' : 'gale'
}

/** What is shown is there, in this order; other fields, and items after those shown, are left out. */
function assertHas(given: unknown, shown: unknown, path: string) {
  if (typeof shown !== 'object' || shown === null) return assert.deepEqual(given, shown, path)
  for (const [name, value] of Object.entries(shown)) {
    assertHas((given as Record<string, unknown> | undefined)?.[name], value, `${path}.${name}`)
  }
}

/** The tenant's posts are dated from today: moves what was written on another day by as many days as its posts have moved. */
function asOfToday(text: string, _index: number, [, result = '']: readonly string[]): string {
  const shown: unknown = JSON.parse(result)
  const change = changeIn(shown)
  if (change === undefined) return text
  const [id, written] = change
  const post = createCorpus().find((message) => message.id === id)
  const moved = daysOf(post?.lastModifiedDateTime) - daysOf(written)
  const later = (day: string) => new Date(Date.parse(`${day} UTC`) + moved * dayMs)
  return text
    .replaceAll(/\d{4}-\d\d-\d\d/g, (day) => later(day).toISOString().slice(0, 10))
    .replaceAll(/[A-Z][a-z]+ \d{1,2}, \d{4}/g, (day) => later(day).toLocaleDateString('en-US', longDate))
}

const dayMs = 24 * 60 * 60 * 1000
const longDate = { timeZone: 'UTC', year: 'numeric', month: 'long', day: 'numeric' } as const

function daysOf(time = ''): number {
  return Date.parse(time.slice(0, 10)) / dayMs
}

/** An id, and the day on which its post was changed, as an example has them. */
function changeIn(shown: unknown): readonly [id: string, day: string] | undefined {
  if (typeof shown !== 'object' || shown === null) return undefined
  const { id, changed, lastModifiedDateTime = changed } = shown as Record<string, string>
  if (id !== undefined && lastModifiedDateTime !== undefined) return [id, lastModifiedDateTime]
  return Object.values(shown).map(changeIn).find(Boolean)
}

test('docs/endpoints.md lists every route, and whether it needs a token', async (t) => {
  const { app } = await build(t, {}, tenant)
  const rows = tableRows(readText('docs/endpoints.md'))
  const documented = rows.flatMap(([cell = '', who]) => codeSpans(cell).map((endpoint) => ({ endpoint, who })))
  for (const { endpoint, who } of documented) {
    const [method, url = ''] = endpoint.split(' ')
    // The home page is for browsers alone.
    const headers = { host: 'localhost', ...(url === '/' && { accept: 'text/html' }) }
    const response = await app.inject({ method: method as 'GET', url, headers })
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
