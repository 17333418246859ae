import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import { deadlineIn } from '../../../src/lib/deadline.ts'
import type { ClientAssertion } from '../../../src/plugins/client-credential/client-assertion.ts'
import {
  type ClientProof,
  createAssertions,
  proveByAssertions,
  proveBySecret,
} from '../../../src/plugins/client-credential/client-authentication.ts'
import { CredentialError } from '../../../src/plugins/client-credential/credential-error.ts'
import { ample, auditInto } from '../../helper.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Assertions by number, good for ten minutes, with a source that can be broken and a clock that can be turned. */
function setUp(certificate: Partial<ClientAssertion> = {}) {
  const state = { now: 1_000_000, made: 0, broken: undefined as unknown, certificate, delay: Promise.resolve() }
  const lines: Record<string, unknown>[] = []
  const assertions = createAssertions({
    make: async () => {
      state.made += 1
      await state.delay
      if (state.broken !== undefined) throw state.broken
      return { assertion: `assertion ${state.made}`, expiresAtMs: state.now + 10 * minute, ...state.certificate }
    },
    kind: 'certificate_file',
    audit: auditInto(lines),
    now: () => state.now,
  })
  const get = async () => (await assertions.get()).assertion
  const prove = proveByAssertions(assertions)
  const withProof = <T>(attempt: (proof: ClientProof) => Promise<T>, deadline = ample()) => prove(attempt, deadline)
  return { state, lines, assertions, get, withProof }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))
const events = (lines: readonly Record<string, unknown>[]) => lines.map((line) => line['event'])
const refusedBy = async () => Promise.reject(new Failure('credential_rejected'))

test('many who ask at once share one', async () => {
  const { state, get } = setUp()
  assert.deepEqual(await Promise.all([get(), get(), get()]), ['assertion 1', 'assertion 1', 'assertion 1'])
  assert.equal(state.made, 1)
})

test('past five minutes the old one still serves while a new one is made', async () => {
  const { state, get } = setUp()
  await get()
  state.now += 5 * minute - 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.equal(state.made, 1)
  state.now += 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.equal(await get(), 'assertion 2')
})

test('while its source is down, the last one serves to its end, and then none', async () => {
  const { state, lines, get } = setUp()
  await get()
  state.broken = new CredentialError('the vault is down: start it')
  state.now += 10 * minute - 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.deepEqual(events(lines), ['credential_loaded', 'credential_unavailable'])
  assert.equal(lines[1]?.['serving'], true)
  state.now += 2_000
  await assert.rejects(get(), { reason: 'credential_unavailable' })
  state.broken = undefined
  state.now += 2_000
  assert.equal(await get(), 'assertion 4')
  assert.equal(events(lines).at(-1), 'credential_loaded')
})

test('a dead source is not asked by every call while the last one serves', async () => {
  const { state, get } = setUp()
  await get()
  state.broken = new CredentialError('the vault is down: start it')
  state.now += 5 * minute
  for (let call = 0; call < 5; call++) {
    await get()
    await settle()
  }
  assert.equal(state.made, 2)
})

test('in its last minute it is made anew every two seconds and not by every call', async () => {
  const { state, get } = setUp({ expiresAtMs: 1_000_000 + 30_000 })
  for (let call = 0; call < 5; call++) {
    assert.equal(await get(), 'assertion 1')
    await settle()
  }
  assert.equal(state.made, 1)
  state.now += 2_000
  await get()
  await settle()
  assert.equal(state.made, 2)
})

test('a clock that is set back holds nothing up', async () => {
  const { state, get } = setUp()
  state.broken = new CredentialError('the vault is down: start it')
  await assert.rejects(get())
  state.broken = undefined
  state.now -= 60 * minute
  assert.equal(await get(), 'assertion 2')
})

test('a source that never answers is given up, and asked again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { state, get } = setUp()
  state.delay = new Promise(() => undefined)
  const waiting = assert.rejects(get(), { reason: 'credential_unavailable' })
  t.mock.timers.tick(30_000)
  await waiting
  state.delay = Promise.resolve()
  state.now += 2_000
  assert.equal(await get(), 'assertion 2')
})

test('another’s refusal that comes late takes what there is by now', async () => {
  const { state, assertions } = setUp()
  const first = await assertions.get()
  const second = await assertions.replace(first)
  assert.equal((await assertions.replace(first))?.assertion, second?.assertion)
  assert.equal(state.made, 2)
})

test('while its source is down, a refusal asks it no more often than anybody', async () => {
  const { state, assertions } = setUp()
  const first = await assertions.get()
  state.now += 5 * minute
  state.broken = new CredentialError('the vault is down: start it')
  await assertions.get()
  await settle()
  assert.equal(await assertions.replace(first), undefined)
  assert.equal(state.made, 2)
})

test('a source that is down is asked every two seconds and not by every call', async () => {
  const { state, assertions, get } = setUp()
  state.broken = new CredentialError('the vault is down: start it')
  await assert.rejects(get())
  state.now += 1_999
  await assert.rejects(get(), { reason: 'credential_unavailable' })
  assert.equal(state.made, 1)
  assert.equal(assertions.loaded, false)
  state.now += 1
  await assert.rejects(get())
  assert.equal(state.made, 2)
})

test('a certificate is logged once, and again when it is another', async () => {
  const { state, lines, get } = setUp({ thumbprint: 'aa' })
  await get()
  state.now += 6 * minute
  await get()
  await settle()
  assert.deepEqual(events(lines), ['credential_loaded'])
  state.certificate = { thumbprint: 'bb' }
  state.now += 6 * minute
  await get()
  await settle()
  assert.deepEqual(
    lines.map(({ thumbprint }) => thumbprint),
    ['aa', 'bb'],
  )
})

test('a certificate that ends within thirty days is warned of once a day', async () => {
  const { state, lines, get } = setUp()
  const end = state.now + 30 * day
  state.certificate = { certificateExpiresAtMs: end }
  await get()
  assert.deepEqual(events(lines), ['credential_loaded'])
  for (const passed of [6 * minute, 6 * minute, day]) {
    state.now += passed
    await get()
    await settle()
    await get()
  }
  const warnings = lines.filter(({ event }) => event === 'credential_expires')
  assert.deepEqual(
    warnings.map(({ days }) => days),
    [29, 28],
  )
  assert.equal(warnings[0]?.['certificateExpires'], new Date(end).toISOString())
})

test('what Entra refuses is made anew and tried once more', async () => {
  const { withProof, get } = setUp()
  await get()
  const tried: unknown[] = []
  const result = await withProof(async (proof) => {
    tried.push('client_assertion' in proof ? proof.client_assertion : proof)
    return tried.length === 1 ? refusedBy() : 'done'
  })
  assert.equal(result, 'done')
  assert.deepEqual(tried, ['assertion 1', 'assertion 2'])
})

test('what is refused twice is refused', async () => {
  const { state, withProof, get } = setUp()
  await get()
  await assert.rejects(withProof(refusedBy), { reason: 'credential_rejected' })
  assert.equal(state.made, 2)
})

test('what goes on being refused is made anew every five seconds and not for every call', async () => {
  const { state, withProof } = setUp()
  await assert.rejects(withProof(refusedBy), { reason: 'credential_rejected' })
  assert.equal(state.made, 2)
  state.now += 4_999
  await assert.rejects(withProof(refusedBy), { reason: 'credential_rejected' })
  assert.equal(state.made, 2)
  state.now += 1
  await assert.rejects(withProof(refusedBy), { reason: 'credential_rejected' })
  assert.equal(state.made, 3)
})

test('many who are refused at once share the new one', async () => {
  const { state, withProof, get } = setUp()
  await get()
  const attempt = () =>
    withProof(async (proof) =>
      'client_assertion' in proof && proof.client_assertion === 'assertion 1' ? refusedBy() : 'done',
    )
  assert.deepEqual(await Promise.all([attempt(), attempt(), attempt()]), ['done', 'done', 'done'])
  assert.equal(state.made, 2)
})

test('a refusal whose replacement cannot be made stays a refusal', async () => {
  const { state, withProof, get } = setUp()
  await get()
  state.broken = new Error('out of luck')
  await assert.rejects(withProof(refusedBy), { reason: 'credential_rejected' })
})

test('an identity that gives the same token again is not tried with it again', async () => {
  const { withProof, get } = setUp({ assertion: 'the same' })
  await get()
  let tries = 0
  await assert.rejects(
    withProof(async () => {
      tries += 1
      return refusedBy()
    }),
  )
  assert.equal(tries, 1)
})

test('other failures are not tried again, and a secret never is', async () => {
  const { state, withProof, get } = setUp()
  await get()
  await assert.rejects(
    withProof(async () => Promise.reject(new Failure('exchange_unavailable'))),
    { reason: 'exchange_unavailable' },
  )
  assert.equal(state.made, 1)
  await assert.rejects(proveBySecret('a secret')(refusedBy, ample()), { reason: 'credential_rejected' })
})

test('an assertion that is not made in time is not waited for, and is there for whoever comes later', async () => {
  const { state, withProof, get } = setUp()
  let made = () => {}
  state.delay = new Promise((resolve) => {
    made = resolve
  })
  await assert.rejects(
    withProof(async () => assert.fail('There is no proof'), deadlineIn(20)),
    { reason: 'credential_unavailable' },
  )
  made()
  assert.equal(await get(), 'assertion 1')
})

test('another assertion is not waited for beyond the deadline, and Entra’s answer stands', async () => {
  const { state, withProof, get } = setUp()
  await get()
  state.delay = new Promise(() => {})
  let tries = 0
  const attempt = async () => {
    tries++
    throw new Failure('credential_rejected')
  }
  await assert.rejects(withProof(attempt, deadlineIn(20)), { reason: 'credential_rejected' })
  assert.equal(tries, 1)
})
