import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'

/** A refresh token of this server, which encrypts it: it is of use at this server only. */
const StoredSignIn = Type.Object({ issuer: Type.String(), clientId: Type.String(), refreshToken: Type.String() })
export type StoredSignIn = Static<typeof StoredSignIn>

/** By the URL of the MCP endpoint. */
const content = Compile(Type.Record(Type.String(), StoredSignIn))

/** `sign-ins.json` of the user's state folder (XDG Base Directory Specification; LOCALAPPDATA on Windows). */
export function storePath(env: Io['env']): string {
  const folder = env['XDG_STATE_HOME'] || env['LOCALAPPDATA'] || join(env['HOME'] || homedir(), '.local', 'state')
  return join(folder, 'mcp-message-center-server', 'sign-ins.json')
}

/** The sign-in of an earlier `login`. @throws {OperatorError} where the file is unreadable, or readable by others */
export function readSignIn(env: Io['env'], endpoint: string): StoredSignIn | undefined {
  return readAll(storePath(env)).get(endpoint)
}

/** Replaces or, without one, removes the sign-in of a server. The file is readable by its owner only (mode 600). */
export function writeSignIn(env: Io['env'], endpoint: string, signIn: StoredSignIn | undefined): void {
  const path = storePath(env)
  const all = readAll(path)
  if (signIn === undefined) all.delete(endpoint)
  else all.set(endpoint, signIn)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporary, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`, { mode: 0o600 })
    // An older temporary file keeps its own mode.
    chmodSync(temporary, 0o600)
    renameSync(temporary, path)
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new OperatorError(`${path} cannot be written (${code}).`, 'Set XDG_STATE_HOME to a folder of yours.', {
      cause: error,
      code,
    })
  }
}

function readAll(path: string): Map<string, StoredSignIn> {
  let text: string
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw new OperatorError(`Other users may read ${path}.`, `Run: chmod 600 ${path}`)
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return new Map()
    throw new OperatorError(`${path} cannot be read (${code}).`, 'Check its owner and mode.', { cause: error, code })
  }
  const value = parse(text)
  if (content.Check(value)) return new Map(Object.entries(value))
  throw new OperatorError(`${path} does not hold sign-ins.`, 'Delete it, and run login again.')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
