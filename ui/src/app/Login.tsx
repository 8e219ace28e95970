/** A server that is bound to more than this machine asks for its token once. */
import { useState } from "react";

import { ApiError, change } from "~/api/client";
import { Button } from "~/components/Button";

import css from "./Login.module.css";

export function LoginForm() {
  const [token, setToken] = useState("");
  const [error, setError] = useState<string | null>(null);
  const login = async () => {
    try {
      await change("POST", "/login", { token: token.trim() });
      window.location.reload();
    } catch (problem) {
      setError(problem instanceof ApiError && problem.status === 401 ? "This is not the token of this server." : String(problem));
    }
  };
  return (
    <main className={css.page}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          void login();
        }}
      >
        <h1>plait</h1>
        <p>This server can be reached from other machines, so it asks for the token that it printed when it started.</p>
        <label htmlFor="token">Token</label>
        <input id="token" className="field" type="password" autoFocus autoComplete="current-password" value={token} onChange={(event) => setToken(event.target.value)} aria-describedby="token-problem" />
        <p id="token-problem" className={css.problem} role="alert">
          {error}
        </p>
        <Button tone="primary" type="submit" disabled={!token.trim()}>
          Open
        </Button>
      </form>
    </main>
  );
}
