"""The agent's panel in real Chromium, before a secure zone that the test plays: the whole job, every way it ends, and without a mouse."""

import re

from playwright.sync_api import expect

from tests.e2e.panel_agent import GONE, KEYED, REFUSED, SECOND_CARD, SILENT, Agent
from tests.e2e.panel_desk import LOGIN, PASSWORD
from tonevault.boundary.charges import ChargeState
from tonevault.kernel.ids import ChargeId


def test_a_card_becomes_a_token_and_a_charge(agent: Agent) -> None:
    page, call = agent.page, agent.take()
    agent.start("12.50", "Invoice 1042")
    agent.key(call, "card_number", "42424242")
    expect(page.locator("#field-card_number .dots")).to_have_text("●" * 8)
    agent.zone.press(call.call_id, "*")
    expect(page.locator("#field-card_number .dots")).to_have_text("")
    agent.zone.press(call.call_id, "4242424242424242#")
    expect(page.locator("#field-card_number .masked")).to_have_text("**** **** **** 4242")
    agent.key_card(call, KEYED[1:])
    with agent.desk.held_completions():
        page.click("#complete")
        expect(page.locator("#complete")).to_have_text("Securing the card…")
        assert agent.focused() == "complete"
    agent.banner("Card securely vaulted")
    result = page.locator(".result")
    expect(result).to_contain_text("Visa **** **** **** 4242 · 12/30")
    expect(result).to_contain_text("Charged: 12.50 GBP")
    token = page.locator("[id^=token-ps_]").inner_text()
    assert token.startswith("tok_")

    agent.browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_role("button", name="Copy the token")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == token
    agent.browser.context.clear_permissions()


def test_without_a_clipboard_the_token_is_selected(agent: Agent) -> None:
    page, call = agent.page, agent.take()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.reload()
    agent.complete(call)
    agent.banner("Card securely vaulted")
    page.get_by_role("button", name="Copy the token").click()
    assert page.evaluate("getSelection().toString()") == page.locator("[id^=token-ps_]").inner_text()


def test_a_wrong_number_is_taken_again_and_three_end_the_session(agent: Agent) -> None:
    page, call = agent.page, agent.take()
    agent.start("12.50", "Invoice 1042")
    for attempt in range(2):
        expect(page.locator("#capture-card_number")).to_have_text("Re-capture" if attempt else "Capture")
        agent.key(call, "card_number", "4242424242424241#")
        expect(agent.field("card_number", ".failed")).to_contain_text("Invalid card number")
    agent.key(call, "card_number", "4242424242424242#")
    expect(agent.field("card_number", ".captured")).to_be_visible()
    for _ in range(3):
        agent.key(call, "expiry", "1399#")
    agent.banner("Too many attempts")
    agent.banner("Expiration Date: invalid expiration date.")
    expect(page.locator("#start")).to_have_text("Try Again")
    expect(page.locator("#amount")).to_have_value("12.50")
    expect(page.locator("#reference")).to_have_value("Invoice 1042")
    page.click("#start")
    expect(agent.field("card_number", ".idle")).to_be_visible()


def test_declined_unknown_and_failed_and_what_came_before_on_the_call(agent: Agent) -> None:
    page, call = agent.page, agent.take()
    agent.zone.ledger.next_charge = (ChargeState.DECLINED, "insufficient_funds")
    agent.complete(call)
    agent.banner("Card securely vaulted, payment declined")
    agent.banner("Not enough money on the card.")
    expect(page.locator("#start")).to_have_text("Start New Capture")

    agent.zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
    page.click("#start")
    agent.key_card(call, SECOND_CARD)
    page.click("#complete")
    agent.banner("Result not known yet")
    expect(page.locator("#amount")).to_have_value("")
    charge = ChargeId(page.locator("[id^=charge-ps_]").inner_text())
    page.fill("#reference", "half a sent")
    agent.zone.settle(charge, ChargeState.SUCCEEDED)
    agent.banner("Card securely vaulted")
    expect(page.locator(".result")).to_contain_text("Charged: 12.50 GBP")
    expect(page.locator("#reference")).to_have_value("half a sent")
    earlier = page.locator(".history li")
    expect(earlier).to_have_count(1)
    for words in ("payment declined", "Visa ··4242", "12.50 GBP", "Invoice 1042", "tok_"):
        expect(earlier).to_contain_text(words)

    agent.zone.tokenization_fails = True
    agent.complete(call)
    agent.banner("Token could not be created")
    expect(page.locator("#start")).to_have_text("Try Again")
    expect(earlier).to_have_count(2)


def test_an_address_is_corrected_and_charged_again(agent: Agent) -> None:
    agent.allow(REFUSED)
    page, call = agent.page, agent.take()
    agent.zone.ledger.next_charge = (ChargeState.DECLINED, "postal_code_mismatch")
    agent.complete(call)
    agent.banner("The postal code does not match")
    agent.banner("No money has moved")
    expect(agent.field("card_number", ".captured")).to_be_visible()
    expect(page.locator("#complete")).to_have_count(0)
    agent.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
    page.fill("#postal_code", "!")
    page.click("#retry")
    expect(page.locator("#postal_code")).to_have_attribute("aria-invalid", "true")
    page.fill("#postal_code", "SW1A 1AA")
    page.click("#retry")
    expect(page.locator("#problem")).to_contain_text("missing")
    page.check("#without_security_code")
    page.click("#retry")
    agent.banner("Card securely vaulted")
    expect(page.locator(".result")).to_contain_text("Charged: 12.50 GBP")
    assert (
        len(
            {
                each.charge_id
                for each in agent.zone.ledger.charges.values()
                if each.amount.amount_minor == 1250
            }
        )
        >= 2
    )


def test_cancel_hang_up_and_expiry_each_say_why(agent: Agent) -> None:
    page, call = agent.page, agent.take()
    agent.start("5")
    agent.key(call, "card_number", "4242")
    page.click("#cancel")
    agent.banner("Canceled")
    agent.start("5")
    agent.key(call, "card_number", "4242")
    agent.zone.hang_up(call.call_id)
    agent.banner("The call ended")
    expect(page.locator("#call-ended")).to_have_text("The customer hung up.")
    expect(page.locator("#start-form")).to_have_count(0)
    expect(page.locator(f"#open-{call.call_id}")).to_have_count(0)

    agent.take()
    agent.start()
    expect(page.locator("#countdown")).to_be_hidden()
    agent.listen()
    agent.let_pass(25 * 60 + 30)
    expect(page.locator("#countdown")).to_have_text(re.compile(r"The session ends in 4:[23]\d"))
    assert len([words for words in agent.heard() if words.startswith("The session ends")]) == 1
    agent.desk.clock.advance(1801)
    agent.zone.advance(0)
    agent.banner("The session expired")


def test_nobody_needs_a_mouse_and_nothing_is_said_twice(agent: Agent) -> None:
    page = agent.page
    call = agent.desk.live_call(caller="+441632960055")
    page.goto("/panel")
    expect(page.locator(f"#open-{call.call_id}")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if agent.focused() == f"open-{call.call_id}":
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("+441632960055")
    expect(page.locator("#payment")).to_be_focused()
    expect(page.locator("#link-state")).to_have_text("Connected")
    agent.listen()

    page.keyboard.press("Tab")
    assert agent.focused() == "amount"
    page.keyboard.type("12")
    agent.desk.add_customer("<script>alert('Ann')</script>", "+441632960055")
    expect(page.locator("h1")).to_have_text("<script>alert('Ann')</script>")
    page.keyboard.type(".50")
    expect(page.locator("#amount")).to_have_value("12.50")
    page.keyboard.press("Enter")
    expect(page.locator("#capture-card_number")).to_be_focused()
    for name, keys in (("card_number", "2223003122003222#"), *KEYED[1:]):
        assert agent.focused() == f"capture-{name}"
        page.keyboard.press("Enter")
        expect(agent.field(name, ".capturing")).to_be_visible()
        for key in keys:
            agent.zone.press(call.call_id, key)
        expect(agent.field(name, ".captured")).to_be_visible()
        assert agent.focused() == f"capture-{name}"
        page.keyboard.press("Tab")
    assert agent.focused() == "complete"
    with agent.desk.held_completions():
        page.keyboard.press("Space")
        expect(page.locator("#complete")).to_have_text("Securing the card…")
        assert agent.focused() == "complete"
    agent.banner("Card securely vaulted")
    expect(page.locator("#payment-title")).to_be_focused()
    assert agent.heard() == [
        "Card Number: awaiting input.",
        "Card Number captured.",
        "Expiration Date: awaiting input.",
        "Expiration Date captured.",
        "Security Code: awaiting input.",
        "Security Code captured. All captured. Complete is ready.",
        "Securing the card.",
        "Card securely vaulted.",
    ]


def test_a_wrong_start_form_says_so_at_the_input(agent: Agent) -> None:
    agent.allow(REFUSED)
    page, call = agent.page, agent.take(caller="+441632960066")
    page.fill("#amount", "twelve")
    page.fill("#reference", "Invoice 1042")
    page.click("#start")
    amount = page.locator("#amount")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_be_focused()
    expect(amount).to_have_accessible_description(re.compile("Amount must be a number such as 12.50"))
    agent.desk.add_customer("Known from now on", "+441632960066")
    expect(page.locator("h1")).to_have_text("Known from now on")
    expect(amount).to_have_value("twelve")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_be_focused()
    amount.fill("12.50")
    expect(amount).not_to_have_attribute("aria-invalid", "true")
    page.fill("#reference", "4242 4242 4242 4242")
    page.click("#start")
    reference = page.locator("#reference")
    expect(reference).to_be_focused()
    expect(reference).to_have_value("")
    expect(page.locator("#reference-error")).to_contain_text("looks like a card number")
    reference.fill("Invoice 1042")
    page.keyboard.press("Enter")
    expect(page.locator(".amount")).to_have_text("12.50 GBP")
    agent.zone.hang_up(call.call_id)


def test_a_secure_zone_that_crashes_or_falls_silent(agent: Agent) -> None:
    agent.allow(SILENT)
    page, call = agent.page, agent.take()
    agent.start("5")
    agent.key(call, "card_number", "4242")
    agent.zone.crash()
    agent.banner("Interrupted")
    expect(page.locator("#call-ended")).to_have_text("The secure zone stopped, and the call with it.")

    agent.take()
    agent.listen()
    agent.zone.unreachable = True
    expect(page.locator("#zone .alert")).to_contain_text("No card can be captured until it is back")
    page.click("#start")
    expect(page.locator("#problem")).to_contain_text("The secure zone did not confirm this.")
    agent.zone.unreachable = False
    expect(page.locator("#zone .alert")).to_have_count(0)
    expect(page.locator("#problem")).to_be_hidden()
    assert agent.heard()[:2] == ["The secure zone does not answer.", "The secure zone answers again."]
    page.click("#open-again")
    expect(agent.field("card_number")).to_be_visible()


def test_the_customer_is_muted_by_a_switch(agent: Agent) -> None:
    page = agent.page
    agent.take()
    agent.start()
    switch = page.get_by_role("button", name="Mute the customer while keying")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#hush-notice")).to_contain_text("You do not hear the customer")
    switch.click()
    expect(page.locator("#hush-notice")).to_have_count(0)


def test_a_desk_that_restarts_and_a_line_that_dies_without_a_word(agent: Agent) -> None:
    agent.allow(GONE)
    page, call = agent.page, agent.take()
    page.fill("#reference", "half a sent")
    page.focus("#reference")
    agent.desk.stop()
    expect(page.locator("#link-alert")).to_contain_text("connects again by itself")
    agent.zone.hang_up(call.call_id)
    fresh = agent.zone.live_call(caller="+441632960099")
    agent.desk.start()
    expect(page.locator("#link-state")).to_have_text("Connected")
    expect(page.locator("#link-alert")).to_be_hidden()
    expect(page.locator("#call-ended")).to_be_visible()
    expect(page.locator(f"#open-{fresh.call_id}")).to_be_visible()
    expect(page.locator("#payment-title")).to_be_focused()

    with page.expect_request(re.compile("/panel/stream")):
        agent.let_pass(20)
    expect(page.locator("#link-state")).to_have_text("Connected")


def test_a_log_in_that_ends_leads_to_the_log_in_page_and_back_in(agent: Agent) -> None:
    agent.allow(REFUSED)
    page = agent.page
    agent.take()
    other = agent.browser.new_page()
    other.goto("/panel")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login")
    other.close()
    agent.let_pass(20)
    page.wait_for_url("**/login")
    page.keyboard.type(LOGIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("account: is required")
    page.keyboard.type(LOGIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type("acme")
    page.keyboard.press("Enter")
    page.wait_for_url("**/panel")
    expect(page.locator("#link-state")).to_have_text("Connected")
