import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Expression } from 'adaptive-expressions'
import { urlOf } from '../../src/plugins/message-center/message.ts'
import { tools } from '../../src/tools/index.ts'
import { build, mcpHeaders, toolCall } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { type Json, type PluginFunction, readAppPackage } from './app-package.ts'

/** What these tests use of Microsoft's libraries for cards, whose own types do not compile here. */
interface CardLibrary {
  AdaptiveCard: new () => { parse(json: unknown, context: object): void; validateProperties(): ValidationResults }
  SerializationContext: new () => { readonly eventCount: number; getEventAt(index: number): ValidationEvent }
}
interface ValidationEvent {
  readonly message: string
}
interface ValidationResults {
  readonly validationEvents: readonly ValidationEvent[]
}
interface TemplateLibrary {
  Template: new (template: Json) => { expand(context: { $root: unknown }): Json }
}
const require = createRequire(import.meta.url)
const { AdaptiveCard, SerializationContext } = require('adaptivecards/dist/adaptivecards.js') as CardLibrary
const { Template } = require('adaptivecards-templating/dist/adaptivecards-templating.js') as TemplateLibrary

type Semantics = NonNullable<PluginFunction['capabilities']['response_semantics']>
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** What a JSONPath of the plain kind, `$` or `$.a.b`, leads to. */
function schemaAt(schema: Schema | undefined, path: string): Schema | undefined {
  return path
    .split('.')
    .slice(1)
    .reduce((at, name) => at?.properties?.[name], schema)
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/**
 * The fields that a template reads and no message has in any view, and those that the citation reads and the tool's own
 * results do not have: the card shows what there is.
 */
function unboundFields(outputSchema: Schema, { data_path, properties, static_template }: Semantics): string[] {
  const result = schemaAt(outputSchema, data_path)
  const message = result?.items ?? result
  if (message?.properties === undefined) return [data_path]
  const expressions = textsIn(static_template).flatMap((text) => [...text.matchAll(/\$\{([^}]+)\}/g)])
  const read = expressions.flatMap(([, expression = '']) => Expression.parse(expression).references())
  const unread = (paths: readonly string[], of: Schema) => paths.filter((path) => schemaAt(of, path) === undefined)
  return [
    ...unread(
      read.map((name) => `$.${name}`),
      outputOf('getMessage'),
    ),
    ...unread(Object.values(properties), message),
  ]
}

/** Errors of Microsoft's own card parser. */
function cardErrors(card: unknown): string[] {
  const context = new SerializationContext()
  const parsed = new AdaptiveCard()
  parsed.parse(card, context)
  return [
    ...Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index)),
    ...parsed.validateProperties().validationEvents,
  ].map(({ message }) => message)
}

const templateOf = (name: string) => shown.find((one) => one.name === name)?.semantics.static_template ?? {}
const render = (template: Json, message: unknown) => new Template(template).expand({ $root: message })

const shown = readAppPackage().plugin.functions.flatMap(({ name, capabilities: { response_semantics } }) =>
  response_semantics === undefined ? [] : [{ name, semantics: response_semantics }],
)
const outputOf = (name: string) =>
  tools.find(({ definition }) => definition.name === name)?.definition.outputSchema ?? {}

test('both tools’ messages have a card', () => {
  assert.deepEqual(
    shown.map(({ name, semantics }) => [name, semantics.data_path]),
    [
      ['getMessages', '$.value'],
      ['getMessage', '$'],
    ],
  )
})

for (const { name, semantics } of shown) {
  test(`the card and the citation of ${name} read fields of its output schema`, () => {
    assert.deepEqual(unboundFields(outputOf(name), semantics), [])
  })

  test(`a field of ${name} that does not exist is detected`, () => {
    const template = { body: [{ text: `\${if(deadline, deadline, 'none')}` }] }
    assert.deepEqual(unboundFields(outputOf(name), { ...semantics, static_template: template }), ['$.deadline'])
    assert.deepEqual(unboundFields(outputOf(name), { ...semantics, properties: { url: '$.link' } }), ['$.link'])
    assert.deepEqual(unboundFields(outputOf(name), { ...semantics, data_path: '$.values' }), ['$.values'])
  })
}

test('an invalid card is detected', () => {
  const card = { type: 'AdaptiveCard', version: '1.5', body: [{ type: 'TextBlok', text: 'a' }] }
  assert.match(cardErrors(card).join(), /TextBlok/)
  const button = { type: 'AdaptiveCard', version: '1.5', actions: [{ type: 'Action.OpenUrl', title: 'a' }] }
  assert.match(cardErrors(button).join(), /url/)
})

interface Message {
  readonly id: string
  readonly title: string
  readonly actionRequiredByDateTime?: string | null
  readonly due?: string
}

const tenant = await startEmulator()
file.after(() => tenant.close())
const { app } = await build(file, { LOG_LEVEL: 'silent' }, tenant)

async function call(name: string, args: Record<string, unknown>): Promise<Json> {
  const headers = { ...mcpHeaders(await tenant.mint({ user: 'rowan' })), host: 'localhost' }
  const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: toolCall(name, args) })
  return response.json().result.structuredContent
}

/** A valid card with this message's title, link and deadline, and no unbound expression. */
function assertShows(card: Json, message: Message) {
  assert.deepEqual(cardErrors(card), [], message.id)
  const texts = textsIn(card)
  for (const text of texts) assert.doesNotMatch(text, /\$\{|undefined|\bnull\b|^$/, message.id)
  assert.ok(texts.includes(message.title) && texts.includes(urlOf(message.id)), message.id)
  const deadline = message.due ?? message.actionRequiredByDateTime?.slice(0, 10)
  assert.equal(texts.includes('Act by'), deadline !== undefined, message.id)
  if (deadline !== undefined) assert.ok(texts.includes(deadline), message.id)
}

test('every message of the tenant has a valid card', async () => {
  const template = templateOf('getMessages')
  const { value } = (await call('getMessages', { top: 1000 })) as { value: Message[] }
  assert.ok(value.length > 300)
  for (const message of value) assertShows(render(template, message), message)
  assert.ok(value.some(({ actionRequiredByDateTime }) => typeof actionRequiredByDateTime === 'string'))
})

test('rows of an overview have valid cards', async () => {
  const { value } = (await call('getMessages', { view: 'compact', top: 1000 })) as { value: Message[] }
  assert.ok(value.some(({ due }) => due !== undefined))
  for (const row of value) assertShows(render(templateOf('getMessages'), row), row)
})

test('a single message has a valid card, whatever its body', async () => {
  const template = templateOf('getMessage')
  const { value } = (await call('getMessages', { top: 1 })) as { value: Message[] }
  for (const body of ['none', 'text', 'html']) {
    const message = (await call('getMessage', { id: value[0]?.id, body })) as unknown as Message
    assertShows(render(template, message), message)
  }
})

test('a message that has only what the schema requires is shown by its id', () => {
  const template = templateOf('getMessage')
  const empty = { title: null, actionRequiredByDateTime: null, lastModifiedDateTime: null, isMajorChange: null }
  for (const message of [{ id: 'MC1' }, { id: 'MC1', ...empty }]) {
    const card = render(template, message)
    assertShows(card, { ...message, title: 'MC1' })
    assert.deepEqual(textsIn(card).includes('Major change'), false)
  }
})
