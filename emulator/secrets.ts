import { generateKeyPair, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { writePrivateFile } from './private-file.ts'

/** A tenant's random secrets; two processes with the same secrets are the same tenant. */
const TenantSecrets = Type.Object(
  {
    /** PKCS #8 as PEM, oldest first. */
    signingKeys: Type.Array(Type.String({ pattern: '^-----BEGIN PRIVATE KEY-----' }), { minItems: 1 }),
    apiSecret: Type.String({ minLength: 1 }),
    clientSecret: Type.String({ minLength: 1 }),
    /** Required by the managed identity endpoint. */
    identityHeader: Type.String({ minLength: 1 }),
    /** 32 bytes each, as base64url: encrypt refresh tokens and browser sessions. */
    refreshTokenKey: Type.String({ pattern: '^[\\w-]{43}$' }),
    sessionKey: Type.String({ pattern: '^[\\w-]{43}$' }),
  },
  { additionalProperties: false },
)
export type TenantSecrets = Static<typeof TenantSecrets>

export interface SecretStore {
  /** The current secrets: another process of the same tenant may have changed them. */
  read(): TenantSecrets
  write(secrets: TenantSecrets): void
}

const generateRsaKeyPair = promisify(generateKeyPair)

/**
 * The tenant's secrets: in memory, or in a file that is created if it does not exist.
 * @throws where the file is invalid
 */
export async function openSecrets(file?: string, makeSigningKey = makeRsaKey): Promise<SecretStore> {
  if (file === undefined) return inMemory(await makeSecrets(makeSigningKey))
  const store = inFile(file)
  if (existsSync(file)) store.read()
  else store.write(await makeSecrets(makeSigningKey))
  return store
}

/** Generates an RSA key of 2,048 bits, PKCS #8 as PEM. */
export async function makeRsaKey(): Promise<string> {
  const { privateKey } = await generateRsaKeyPair('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Two keys are published from the start, as in Entra. */
async function makeSecrets(makeSigningKey: () => Promise<string>): Promise<TenantSecrets> {
  const random = (bytes: number) => randomBytes(bytes).toString('base64url')
  return {
    signingKeys: await Promise.all([makeSigningKey(), makeSigningKey()]),
    apiSecret: random(30),
    clientSecret: random(30),
    identityHeader: random(24),
    refreshTokenKey: random(32),
    sessionKey: random(32),
  }
}

function inMemory(secrets: TenantSecrets): SecretStore {
  let current = secrets
  return {
    read: () => current,
    write(changed) {
      current = changed
    },
  }
}

function inFile(file: string): SecretStore {
  return {
    read() {
      const secrets = parse(readFileSync(file, 'utf8'))
      if (!Value.Check(TenantSecrets, secrets))
        throw new Error(`${file} is not a secrets file of the emulator; choose another.`)
      return secrets
    },
    write: (secrets) => writePrivateFile(file, JSON.stringify(secrets, undefined, 2)),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
