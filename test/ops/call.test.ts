import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { parseArguments } from '../../scripts/call/arguments.ts'
import { resultText } from '../../scripts/call/tables.ts'
import { defaultTools } from '../../src/tools/index.ts'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { ops } from './helper.ts'
import { operatorsBrowser } from './operators-browser.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const env = { MCP_ACCESS_TOKEN: await tenant.mint({ user: 'rowan' }) }

const call = (...args: readonly string[]) => ops(['call', '--url', origin, ...args], { env })

test('messages are printed as a table of 100 columns, with the other properties below', async () => {
  const { code, out, err } = await call('getMessages', 'services=Teams', 'top=3')
  assert.equal(code, 0, err)
  assert.equal(err, '')
  const lines = out.split('\n').filter((line) => /^[┌├│└]/.test(line))
  assert.deepEqual([...new Set(lines.map((line) => line.length))], [100])
  const posts = new Set(createCorpus().map(({ id }) => id))
  const ids = [...out.matchAll(/^│ (MC\d+) │/gm)].map(([, id]) => String(id))
  assert.equal(ids.length, 3)
  assert.ok(ids.every((id) => posts.has(id)))
  assert.match(out, /^Use --json to see .*\bservices\b/m)
  assert.match(out, /^@odata\.count: \d+$/m)
  assert.match(out, /^nextSkip: 3$/m)
})

test('a digest is printed as its counts, and a table for each of its lists', async () => {
  const { code, out, err } = await call('getDigest', 'horizon=90d')
  assert.equal(code, 0, err)
  assert.match(out, /│ counts +│ all: \d+ /)
  assert.match(out, /│ byService +│ \D+ \d+, /)
  const posts = new Set(createCorpus().map(({ id }) => id))
  for (const list of ['due', 'retires', 'top']) {
    const [, id = ''] = new RegExp(`^${list}\\n┌.+┐\\n│ id .+│\\n├.+┤\\n│ (MC\\d+) │`, 'm').exec(out) ?? []
    assert.ok(posts.has(id), list)
  }
  const lines = out.split('\n').filter((line) => /^[┌├│└]/.test(line))
  assert.ok(lines.every((line) => line.length <= 100))
})

test('--json prints the structured content unchanged', async () => {
  const { out } = await call('getMessages', 'top=2', '--json')
  const { value, nextSkip } = JSON.parse(out)
  assert.equal(value.length, 2)
  assert.equal(nextSkip, 2)
})

test('one message is printed field by field', async () => {
  const [{ id, title } = { id: '', title: '' }] = createCorpus()
  const { out } = await call('getMessage', `id=${id}`, 'body=none')
  assert.match(out, new RegExp(`│ id +│ ${id} `))
  assert.ok(out.includes(title.slice(0, 20)))
})

test('the body of a message is printed as text, with its line breaks, below the fields', async () => {
  const [{ id } = { id: '' }] = createCorpus()
  const { out } = await call('getMessage', `id=${id}`)
  const [table = '', body = ''] = out.split('\n\nbody\n')
  assert.match(table, /└─+┴─+┘/)
  const { body: expected } = JSON.parse((await call('getMessage', `id=${id}`, '--json')).out)
  const content = String(expected.content ?? expected)
  const paragraphs = (text: string) =>
    text
      .trim()
      .replaceAll(/(?<!\n)\n(?!\n)/g, ' ')
      .split(/\s*\n\n\s*/)
  assert.deepEqual(
    paragraphs(body).map((text) => text.replaceAll(/\s+/g, ' ')),
    paragraphs(content).map((text) => text.replaceAll(/\s+/g, ' ')),
  )
  assert.ok(paragraphs(body).length > 3)
  assert.doesNotMatch(out, /\\n/)
})

test('arguments are converted to the types of the input schema', async () => {
  const { out } = await call(
    ...['getMessages', '--json', 'services=Teams,Exchange', 'services=SharePoint', 'isMajorChange=true', 'top:=0'],
  )
  const expected = createCorpus().filter(
    ({ isMajorChange, services }) => isMajorChange && /Teams|Exchange|SharePoint/.test(String(services)),
  )
  assert.equal(JSON.parse(out)['@odata.count'], expected.length)
})

test('--list shows every tool and argument, except the one for a token', async () => {
  const { code, out } = await call('--list')
  assert.equal(code, 0)
  for (const { definition } of defaultTools) {
    assert.ok(out.includes(`${definition.name}: ${definition.title}`))
    for (const name of Object.keys(definition.inputSchema.properties)) assert.match(out, new RegExp(`│ ${name} `))
  }
  assert.match(out, /│ id \(required\) +│ string /)
  assert.doesNotMatch(out, /accessToken/)
})

test('without a token a browser opens, and standard output holds only the result', async () => {
  const { code, out } = await ops(
    ['call', 'getMessages', 'top=1', '--json', '--url', origin, '--port', '0'],
    operatorsBrowser('rowan'),
  )
  assert.equal(code, 0)
  assert.equal(JSON.parse(out).value.length, 1)
})

for (const { what, args, message, next } of [
  {
    what: 'unknown tool',
    args: ['getEverything'],
    message: /Unknown tool: "getEverything"/,
    next: /Tools: getDigest, getMessages, getMessage/,
  },
  {
    what: 'unknown argument',
    args: ['getMessage', 'id=MC1', 'tops=1'],
    message: /Unknown argument of getMessage: "tops"/,
    next: /Arguments of getMessage: id, body, view, fresh\./,
  },
  {
    what: 'a Graph token as an argument',
    args: ['getMessages', 'accessToken=x'],
    message: /Unknown argument of getMessages: "accessToken"/,
    next: /Arguments of getMessages: services/,
  },
  {
    what: 'not name=value',
    args: ['getMessage', 'MC1'],
    message: /Invalid argument: "MC1"/,
    next: /name=value or name:=json/,
  },
  {
    what: 'missing required argument',
    args: ['getMessage'],
    message: /Missing required argument: id/,
    next: /Arguments of getMessage: id, body/,
  },
  {
    what: 'text for a number',
    args: ['getMessages', 'top=many'],
    message: /"top" must be a whole number, not "many"/,
    next: /call --list/,
  },
  {
    what: 'text for a boolean',
    args: ['getMessages', 'count=yes'],
    message: /"count" must be true or false/,
    next: /call --list/,
  },
  {
    what: 'duplicate argument',
    args: ['getMessages', 'top=1', 'top=2'],
    message: /Duplicate argument: "top"/,
    next: /Arguments of getMessages: services/,
  },
  { what: 'invalid JSON', args: ['getMessages', 'top:={'], message: /Invalid JSON in "top"/, next: /use top=…/ },
  {
    what: 'value that the server rejects',
    args: ['getMessages', 'top=5000'],
    message: /getMessages failed: invalid_input: .*"top" must be <= 1000/,
    next: /Correct the arguments/,
  },
  {
    what: 'unknown message',
    args: ['getMessage', 'id=MC1'],
    message: /getMessage failed: graph_not_found/,
    next: /getMessages lists those/,
  },
]) {
  test(`${what}: message, hint and exit code 1`, async () => {
    const { code, out, err } = await call(...args)
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(err, message)
    assert.match(err, next)
  })
}

test('neither a tool nor --list is a usage error', async () => {
  const { code, err } = await call()
  assert.equal(code, 2)
  assert.match(err, /missing tool name; or use --list/)
})

const schema = {
  properties: {
    n: { type: 'number' },
    i: { type: 'integer' },
    b: { type: 'boolean' },
    s: { type: 'string' },
    list: { type: 'array', items: { type: 'string' } },
    numbers: { type: 'array', items: { type: 'integer' } },
    o: { type: 'object' },
    choice: { enum: ['a', 'b'] },
  },
}

for (const [pairs, expected] of [
  [['n=1.5'], { n: 1.5 }],
  [['n=-2e3'], { n: -2000 }],
  [['i=7'], { i: 7 }],
  [['b=false'], { b: false }],
  [['s=7'], { s: '7' }],
  [['s='], { s: '' }],
  [['s=a=b'], { s: 'a=b' }],
  [['s=two\nlines'], { s: 'two\nlines' }],
  [['list=a'], { list: ['a'] }],
  [['list=a, b'], { list: ['a', 'b'] }],
  [['list=a', 'list=b,c'], { list: ['a', 'b', 'c'] }],
  [['list:=["a,b"]'], { list: ['a,b'] }],
  [['numbers=1,2'], { numbers: [1, 2] }],
  [['o={"k":1}'], { o: { k: 1 } }],
  [['s:=null'], { s: null }],
  [['choice=a'], { choice: 'a' }],
] as const) {
  test(`${pairs.join(' ')} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseArguments('tool', pairs, schema), expected)
  })
}

test('an empty page prints None.', () => {
  assert.equal(resultText({ value: [], '@odata.count': 0 }), 'None.\n@odata.count: 0')
})

test('other results are printed field by field', () => {
  const text = resultText({
    ...{ count: 3, nested: { a: 1, b: 'x' }, deep: { a: [{ b: 1 }] }, value: 'plain', empty: null, none: [] },
    byTag: [
      { name: 'GDPR', count: 2 },
      { name: 'Retirement', count: 1 },
    ],
    rows: [{ id: 'MC1', date: '2026-12-01' }],
  })
  for (const part of [
    /│ count +│ 3 /,
    /│ nested +│ a: 1 +│\n│ +│ b: x /,
    /│ deep +│ \{"a":\[\{"b":1\}\]\} /,
    /│ value +│ plain /,
    /│ none +│ +│/,
    /│ byTag +│ GDPR 2, Retirement 1 /,
    /^rows\n┌.+\n│ id +│ date +│\n.+\n│ MC1 │ 2026-12-01 │$/m,
  ])
    assert.match(text, part)
})
