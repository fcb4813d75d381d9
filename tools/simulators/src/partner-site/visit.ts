// A resident's visit to the partner's sign-in, without a browser: for tests, and for a person with curl.

export interface Visit {
  /** The address that the linking service sent the resident to. */
  readonly url: string;
  readonly account: string;
  readonly isAllowed: boolean;
}

/** Signs in, decides, and answers where the partner sends the browser then, or what went wrong. */
export async function visit({ url, account, isAllowed }: Visit): Promise<{ readonly location: string } | { readonly problem: string }> {
  const home = new URL(url).origin;
  const cookies = new Map<string, string>();
  let next: { url: string; form?: URLSearchParams } = { url };
  for (let hop = 0; hop < hopsMax; hop++) {
    const response = await fetch(next.url, {
      method: next.form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(next.form && { body: next.form }),
    });
    const text = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location) {
      const target = new URL(location, next.url);
      if (target.origin !== home || !/^\/(auth|interaction)\//.test(target.pathname)) return { location: target.href };
      next = { url: target.href };
      continue;
    }
    const [, action] = /action="(\/interaction\/[^"]+)"/.exec(text) ?? [];
    if (action === undefined || next.form) return { problem: `the sign-in answered ${response.status}: ${words(text)}` };
    next = {
      url: new URL(action, home).href,
      form: new URLSearchParams({ account, decision: isAllowed ? 'allow' : 'deny' }),
    };
  }
  return { problem: `the sign-in sent the browser around more than ${hopsMax} times` };
}

const hopsMax = 10;
const wordsCharactersMax = 300;

function words(html: string): string {
  return html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, wordsCharactersMax);
}
