// Makes keys with node-jose; prints their JWKs, one on each line.
import { readFileSync } from 'node:fs'
import jose from 'node-jose'

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
for (const alg of JSON.parse(readFileSync(0, 'utf8'))) {
  const store = jose.JWK.createKeyStore()
  const made = alg in curves ? store.generate('EC', curves[alg], { alg, use: 'sig' }) : store.generate('RSA', 2048, { alg, use: 'sig' })
  console.log(JSON.stringify((await made).toJSON(true)))
}
