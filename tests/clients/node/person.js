// Somebody in front of a browser, as far as grantd's pages need one: a cookie, redirects and forms.

import assert from 'node:assert/strict'
import { issuer, user } from './server.js'

const entities = { '&#34;': '"', '&#38;': '&', '&#39;': "'", '&#60;': '<', '&#62;': '>' }
const plain = (text) => text.replace(/&#\d+;/g, (entity) => entities[entity])

export class Person {
  #cookie = ''

  // Goes where an app sends them, signs in and says `decision`; answers where that leads at last.
  async visit(address, decision = 'allow') {
    let answer = await this.#send(address)
    for (let hops = 0; hops < 9; hops++) {
      const location = answer.headers.get('location')
      if (location === null) {
        const page = await answer.text()
        assert.equal(answer.status, 200, page)
        answer = await this.#fillIn(page, decision)
      } else if (new URL(location, issuer).origin !== issuer) {
        return new URL(location)
      } else {
        answer = await this.#send(new URL(location, issuer))
      }
    }
    assert.fail('it leads in a circle')
  }

  #fillIn(page, decision) {
    const [, form] = page.match(/<form class="stack" method="post"(.*?)<\/form>/s)
    const fields = form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)
    const body = new URLSearchParams([...fields].map(([, name, value]) => [name, plain(value)]))
    const [, action] = form.match(/action="([^"]*)"/)
    const more = action.endsWith('/login') ? user : { decision }
    for (const [name, value] of Object.entries(more)) body.append(name, value)
    return this.#send(new URL(action, issuer), body)
  }

  async #send(address, body) {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = { cookie: this.#cookie }
    const answer = await fetch(address, { method, body, headers, redirect: 'manual' })
    for (const cookie of answer.headers.getSetCookie()) this.#cookie = cookie.split(';')[0]
    return answer
  }
}
