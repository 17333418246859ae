import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { EnvironmentSchema } from '../../src/config/environment.ts'
import { ConfigError, readConfig } from '../../src/config/index.ts'
import { serverInfo } from '../../src/plugins/mcp/index.ts'
import { imageOf } from './dockerfile.ts'

/** The MCP registry's server.json, version 2025-12-11, as far as this one uses it; nothing else is allowed here. */
const strict = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })
const Input = {
  description: Type.String({ minLength: 1 }),
  value: Type.Optional(Type.String()),
  isRequired: Type.Optional(Type.Boolean()),
  isSecret: Type.Optional(Type.Boolean()),
  format: Type.Optional(Type.Union(['string', 'number', 'boolean', 'filepath'].map((name) => Type.Literal(name)))),
  default: Type.Optional(Type.String()),
  placeholder: Type.Optional(Type.String()),
  choices: Type.Optional(Type.Array(Type.String())),
}
const ServerJson = strict({
  $schema: Type.Literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: Type.String({ pattern: '^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$', minLength: 3, maxLength: 200 }),
  title: Type.String({ minLength: 1, maxLength: 100 }),
  description: Type.String({ minLength: 1, maxLength: 100 }),
  version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' }),
  packages: Type.Array(
    strict({
      registryType: Type.Literal('oci'),
      // An OCI package has its version in the identifier; a version field is rejected.
      identifier: Type.String({ pattern: '^[a-z0-9.-]+(/[a-z0-9._-]+)+:[\\w.-]+$' }),
      runtimeHint: Type.Literal('docker'),
      runtimeArguments: Type.Array(
        strict({ type: Type.Literal('named'), name: Type.String({ pattern: '^--' }), ...Input }),
      ),
      transport: strict({
        type: Type.Literal('streamable-http'),
        url: Type.String({ pattern: '^(https?://[^\\s]+|\\{[a-zA-Z_][a-zA-Z0-9_]*\\}[^\\s]*)$' }),
      }),
      environmentVariables: Type.Array(strict({ name: Type.String(), ...Input })),
    }),
    { minItems: 1, maxItems: 1 },
  ),
})

const read = (path: string) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
const entry = read('server.json') as Static<typeof ServerJson>
const manifest = read('package.json') as { name: string; version: string; license: string; description: string }
const { Labels } = imageOf('server')
const [image] = entry.packages
const variables = image?.environmentVariables ?? []

test('server.json matches the registry’s schema', () => {
  assert.deepEqual(Compile(ServerJson).Errors(entry), [])
})

test('name and version are the same in server.json, package.json, the image’s labels and what clients are told', () => {
  assert.equal(entry.name.split('/')[1], manifest.name)
  assert.equal(Labels['io.modelcontextprotocol.server.name'], entry.name)
  assert.equal(entry.version, manifest.version)
  assert.equal(Labels['org.opencontainers.image.version'], manifest.version)
  assert.deepEqual([serverInfo.name, serverInfo.version], [manifest.name, manifest.version])
  assert.ok(image?.identifier.endsWith(`/${manifest.name}:${manifest.version}`))
  assert.deepEqual(
    [Labels['org.opencontainers.image.title'], Labels['org.opencontainers.image.licenses']],
    [manifest.name, manifest.license],
  )
  assert.equal(Labels['org.opencontainers.image.description'], manifest.description)
})

test('its variables are those of the server, marked secret where they hold one', () => {
  for (const { name, isSecret = false } of variables) {
    assert.ok(name in EnvironmentSchema.properties, name)
    assert.equal(isSecret, /SECRET$|KEY$|^REDIS_URL$/.test(name), name)
  }
  const url = image?.transport.url ?? ''
  for (const [, name] of url.matchAll(/\{(\w+)\}/g)) assert.ok(variables.some((variable) => variable.name === name))
})

test('its required variables, with one credential, suffice in production', () => {
  const values: Record<string, string> = {
    PUBLIC_BASE_URL: 'https://mcp.example.com',
    GRAPH_TENANT_ID: '11111111-2222-4333-8444-555555555555',
    GRAPH_CLIENT_ID: '66666666-7777-4888-9999-aaaaaaaaaaaa',
    MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
  }
  const required = variables.filter(({ isRequired }) => isRequired).map(({ name }) => name)
  assert.deepEqual(required.sort(), Object.keys(values).sort())
  const env = { NODE_ENV: 'production', ...values }
  assert.equal(readConfig({ ...env, GRAPH_CLIENT_SECRET: 'made-up' }).production, true)
  for (const name of required) {
    assert.throws(() => readConfig({ ...env, GRAPH_CLIENT_SECRET: 'made-up', [name]: '' }), ConfigError, name)
  }
})

test('its port is that of the image', () => {
  const [, , port] = image?.runtimeArguments.find(({ name }) => name === '--publish')?.value?.split(':') ?? []
  assert.equal(port, imageOf('server').port)
})
