/** Markdown as elements of the page: HTML inside it stays text, links open elsewhere, pictures from other hosts are links. */
import { type Token, type Tokens, lexer } from "marked";
import type { ReactNode } from "react";

import css from "./Markdown.module.css";

export default function Markdown({ text }: { text: string }) {
  return <div className={css.markdown}>{blocks(lexer(text))}</div>;
}

function blocks(tokens: Token[]): ReactNode[] {
  return tokens.map((token, at) => <Block key={at} token={token} />);
}

function Block({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case "space":
      return null;
    case "heading":
      return (
        <p className={css.heading} role="heading" aria-level={Math.min(6, (token as Tokens.Heading).depth + 2)} data-depth={(token as Tokens.Heading).depth}>
          {inline(token.tokens)}
        </p>
      );
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "text":
      return token.tokens ? <>{inline(token.tokens)}</> : <>{token.text}</>;
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case "hr":
      return <hr />;
    case "list": {
      const list = token as Tokens.List;
      const items = list.items.map((item, at) => (
        <li key={at}>
          {item.task && <input type="checkbox" checked={item.checked ?? false} readOnly disabled aria-label={item.checked ? "done" : "to do"} />}
          {blocks(item.tokens)}
        </li>
      ));
      return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case "table": {
      const table = token as Tokens.Table;
      return (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="Table">
          <table>
            <thead>
              <tr>
                {table.header.map((one, at) => (
                  <th key={at} style={{ textAlign: table.align[at] ?? "left" }}>
                    {inline(one.tokens)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((one, column) => (
                    <td key={column} style={{ textAlign: table.align[column] ?? "left" }}>
                      {inline(one.tokens)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    }
    default:
      // HTML and whatever else: as it was written.
      return <p>{token.raw}</p>;
  }
}

function inline(tokens: Token[] | undefined): ReactNode[] {
  return (tokens ?? []).map((token, at) => <Inline key={at} token={token} />);
}

function Inline({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{unescaped((token as Tokens.Codespan).text)}</code>;
    case "br":
      return <br />;
    case "escape":
      return <>{(token as Tokens.Escape).text}</>;
    case "link": {
      const { href } = token as Tokens.Link;
      return isSafe(href) ? (
        <a className="link" href={href} target="_blank" rel="noreferrer noopener">
          {inline(token.tokens)}
        </a>
      ) : (
        <>{inline(token.tokens)}</>
      );
    }
    case "image": {
      const { href, text } = token as Tokens.Image;
      // Nothing is loaded from another host.
      if (/^data:image\/(png|jpeg|gif|webp);base64,/.test(href)) return <img src={href} alt={text} />;
      return isSafe(href) ? (
        <a className="link" href={href} target="_blank" rel="noreferrer noopener">
          {text || href}
        </a>
      ) : (
        <>{text}</>
      );
    }
    case "text":
      return token.tokens ? <>{inline(token.tokens)}</> : <>{unescaped((token as Tokens.Text).text)}</>;
    default:
      return <>{token.raw}</>;
  }
}

export function isSafe(href: string): boolean {
  return /^(https?:|mailto:)/i.test(href.trim());
}

const NAMED: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

/** The lexer escapes for HTML; React does that itself. */
function unescaped(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (one) => NAMED[one] ?? one);
}
