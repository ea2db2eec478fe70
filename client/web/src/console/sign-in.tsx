import { useEffect, useRef } from "preact/hooks";
import { en } from "../text/en";
import { Notice, Waiting } from "../ui/notices";
import type { StaffPage } from "./login";

interface Props {
  desk: StaffPage;
  heading: string;
  because: string | null;
}

export function SignIn({ desk, heading, because }: Props) {
  const trouble = desk.trouble.value;
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form
      class="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget);
        void desk.signIn(String(typed.get("name") ?? ""), String(typed.get("password") ?? ""));
      }}
    >
      <h1>{heading}</h1>
      {because !== null && <Notice>{because}</Notice>}
      <label>
        {en.signIn.name}
        <input ref={first} name="name" autocomplete="username" autocapitalize="none" spellcheck={false} />
      </label>
      <label>
        {en.signIn.password}
        <input name="password" type="password" autocomplete="current-password" />
      </label>
      <div role="alert">{trouble !== null && <p class="refused">{trouble}</p>}</div>
      <button type="submit">{en.signIn.submit}</button>
      {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
    </form>
  );
}
