"""What today's texts say otherwise than 0.3.0's: each wording, and nothing else, may differ.

The kept answers stay as they are. Before they are compared, each of these is read in them as it is
worded today, so an answer that says anything else still fails.
"""

from __future__ import annotations

from typing import Any

from router.texts import Reader, Texts, load_texts
from tests.compatibility.kept import Outcome

_BOKMAL = (
    ("aktivitetsplanen din én gang.", "aktivitetsplanen din én gang, etter fem uker."),
    ("gjennom aktivitetsplanen én gang.", "gjennom aktivitetsplanen én gang, etter fem uker."),
    ("». Velg sammen med brukeren.", "» når tiden teller med. Velg sammen med brukeren."),
    ("Oppgi et helt tall, ", "Oppgi et helt tall fra "),
    ("Velg én av disse: ", "Velg ett av disse alternativene: "),
    ("sendte ikke saken slik den skal være.", "sendte ikke saken slik det skal."),
    (
        "ser omtrent like bra ut for deg. Si fra til veilederen din hvis du heller vil det.",
        "kan passe like godt for deg. Si fra til veilederen din hvis du heller vil ha det.",
    ),
    ("Foreløpig foreslår vi dette.", "Foreløpig foreslår vi dette:"),
    ("Foreløpig er det dette.", "Foreløpig er dette rådet:"),
    (
        "Dataprogrammet gir ikke noe råd i denne saken. En veileder vurderer",
        "Dataprogrammet vårt gir deg ikke noe råd. En veileder vurderer",
    ),
    (
        "Dataprogrammet gir ikke noe råd i denne saken. Noen saker",
        "Dataprogrammet vårt gir deg ikke noe råd. Noen saker",
    ),
    ("Veilederen din bestemmer, og kan", "Veilederen din bestemmer og kan"),
    ("følge deg opp på ser like gode ut.", "følge deg opp på ser ut til å passe like godt."),
    ("følge opp på ser like gode ut.", "følge opp på ser ut til å passe like godt."),
    (
        "jobbet minst seks måneder det siste året, men også at du sluttet før det.",
        "jobbet i minst seks måneder det siste året. "
        "Det står også at du har vært uten jobb i mer enn seks måneder.",
    ),
    (
        "jobbet minst seks måneder det siste året, men også at brukeren sluttet før det.",
        "jobbet i minst seks måneder det siste året. "
        "Det står også at brukeren har vært uten jobb i mer enn seks måneder.",
    ),
    (
        "Vi vet ikke hvordan digitale tjenester går for deg.",
        "Vi vet ikke om digitale tjenester er lette eller vanskelige for deg.",
    ),
    ("mer enn én times reisevei til kontoret.", "mer enn én time å reise til kontoret."),
    (
        "Vi vet ikke om vi skal ta hensyn til helsen din.",
        "Vi vet ikke om helsen din er noe vi bør ta hensyn til.",
    ),
    ("hvordan du helst vil ha kontakt.", "hvordan du helst vil ha kontakt med oss."),
    (
        "Vi vet ikke om vi har fått møtt deg når vi har avtalt det.",
        "Vi vet ikke om det ble noe av møtene vi avtalte.",
    ),
    (
        "Du har flere meldinger fra oss som du ikke har lest.",
        "Du har flere uleste meldinger fra oss.",
    ),
    (
        "Derfor bruker vi bare måter å ha kontakt på som passer",
        "Derfor har vi bare kontakt på måter som passer",
    ),
    ("med brukeren, og krever ikke digitale", "med brukeren og krever ikke bruk av digitale"),
    ("ar gått deler av videregående skole", "ar fullført deler av videregående skole"),
    ("Du registrerte deg for mindre", "Du registrerte deg som arbeidssøker for mindre"),
    ("Registrerte seg for mindre", "Registrerte seg som arbeidssøker for mindre"),
    ("ar vært registrert i ", "ar vært registrert som arbeidssøker i "),
    ("aktiviteter over fristen er rådet", "aktiviteter der fristen har gått ut, er rådet"),
    ("over fristen", "der fristen har gått ut"),
    ("Du klarer deg digitalt.", "Du klarer deg med digitale tjenester."),
    ("Du er god digitalt.", "Du synes digitale tjenester er lette å bruke."),
    ("ønske om hvordan vi har kontakt.", "ønske om hvordan vi skal ha kontakt."),
    ("arbeidsledige for hver ledige jobb", "arbeidsledige per ledig jobb"),
    (
        "». Da får veilederen tid til flere.",
        "» og tar mindre tid. Slik får veilederen tid til å hjelpe flere.",
    ),
    (
        "Rådet følger av hele saken din, ikke av én enkelt opplysning.",
        "Rådet tar hensyn til hele saken din.",
    ),
    ("Disse opplysningene avgjør hva vi foreslår.", "Det som står over, avgjør hva vi foreslår."),
    (
        "men tar mye av tiden til veilederen.",
        "men tar mye av tiden til veilederen. Du kan be om mer oppfølging hvis du trenger det.",
    ),
    ("» tar også mindre tid enn", "» tar mindre tid enn"),
    (
        "Rett det, og spør på nytt. Brukeren kan være uenig.",
        "Rett det, og be om råd på nytt. Er brukeren uenig?",
    ),
    ("skrive til oss i dialogen, eller ringe", "skrive til oss i dialogen eller ringe"),
    ("sier at brukeren trenger hjelp", "viser at brukeren trenger hjelp"),
    ("Målet i planen er med egne ord", "Har skrevet målet med egne ord"),
    ("Målet i planen er ikke med egne ord", "Har ikke skrevet målet med egne ord"),
    ("Får stønad fra ungdomsprogrammet", "Får ungdomsprogramytelse"),
    ("Veilederen svarer deg", "Vi beklager at du har måttet vente. Veilederen svarer deg"),
    ("Sørg for at en tolk for tegnspråk er med.", "Sørg for tegnspråktolk til samtalene."),
    ("Sørg for at en tolk er med.", "Sørg for tolk til samtalene."),
    ("På kontoret møtes begge ansikt til ansikt.", "Et møte på kontoret er ansikt til ansikt."),
    ("I gruppemøtet møtes alle ansikt til ansikt.", "Et gruppemøte er ansikt til ansikt."),
    ("Videosamtalen er vanskelig å bruke uten", "En videosamtale er vanskelig å få til uten"),
    ("På kontoret trenger ingen datamaskin.", "Et møte på kontoret krever ikke datamaskin."),
    ("I gruppemøtet trenger ingen datamaskin.", "Et gruppemøte krever ikke datamaskin."),
    ("ikke det som en videosamtale krever.", "ikke det en videosamtale krever."),
    ("Videosamtalen krever innlogging", "En videosamtale krever innlogging"),
    ("så møtet bør være et ønske eller et behov.", "så møtet bør være ønsket eller nødvendig."),
)
_NYNORSK = (
    ("aktivitetsplanen din éin gong.", "aktivitetsplanen din éin gong, etter fem veker."),
    ("gjennom aktivitetsplanen éin gong.", "gjennom aktivitetsplanen éin gong, etter fem veker."),
    ("». Vel saman med brukaren.", "» når tida tel med. Vel saman med brukaren."),
    ("Oppgi eit heilt tal, ", "Oppgi eit heilt tal frå "),
    ("Vel éin av desse: ", "Vel eitt av desse alternativa: "),
    (
        "ser omtrent like bra ut for deg. Sei frå til rettleiaren din dersom du heller vil det.",
        "kan passe like godt for deg. Sei frå til rettleiaren din dersom du heller vil ha det.",
    ),
    ("Førebels foreslår vi dette.", "Førebels foreslår vi dette:"),
    ("Førebels er det dette.", "Førebels er dette rådet:"),
    (
        "Dataprogrammet gir ikkje noko råd i denne saka. Ein rettleiar vurderer",
        "Dataprogrammet vårt gir deg ikkje noko råd. Ein rettleiar vurderer",
    ),
    (
        "Dataprogrammet gir ikkje noko råd i denne saka. Nokre saker",
        "Dataprogrammet vårt gir deg ikkje noko råd. Nokre saker",
    ),
    ("Rettleiaren din bestemmer, og kan", "Rettleiaren din bestemmer og kan"),
    ("følgje deg opp på ser like gode ut.", "følgje deg opp på ser ut til å passe like godt."),
    ("følgje opp på ser like gode ut.", "følgje opp på ser ut til å passe like godt."),
    (
        "jobba minst seks månader det siste året, men òg at du slutta før det.",
        "jobba i minst seks månader det siste året. "
        "Det står òg at du har vore utan jobb i meir enn seks månader.",
    ),
    (
        "jobba minst seks månader det siste året, men òg at brukaren slutta før det.",
        "jobba i minst seks månader det siste året. "
        "Det står òg at brukaren har vore utan jobb i meir enn seks månader.",
    ),
    (
        "Vi veit ikkje korleis digitale tenester går for deg.",
        "Vi veit ikkje om digitale tenester er lette eller vanskelege for deg.",
    ),
    ("meir enn éin times reiseveg til kontoret.", "meir enn éin time å reise til kontoret."),
    (
        "Vi veit ikkje om vi skal ta omsyn til helsa di.",
        "Vi veit ikkje om helsa di er noko vi bør ta omsyn til.",
    ),
    ("korleis du helst vil ha kontakt.", "korleis du helst vil ha kontakt med oss."),
    (
        "Vi veit ikkje om vi har fått møtt deg når vi har avtalt det.",
        "Vi veit ikkje om det blei noko av møta vi avtalte.",
    ),
    (
        "Du har fleire meldingar frå oss som du ikkje har lese.",
        "Du har fleire ulesne meldingar frå oss.",
    ),
    (
        "Derfor bruker vi berre måtar å ha kontakt på som passar",
        "Derfor har vi berre kontakt på måtar som passar",
    ),
    ("med brukaren, og krev ikkje digitale", "med brukaren og krev ikkje bruk av digitale"),
    ("ar gått delar av vidaregåande skule", "ar fullført delar av vidaregåande skule"),
    ("Du registrerte deg for mindre", "Du registrerte deg som arbeidssøkjar for mindre"),
    ("Registrerte seg for mindre", "Registrerte seg som arbeidssøkjar for mindre"),
    ("ar vore registrert i ", "ar vore registrert som arbeidssøkjar i "),
    ("aktivitetar over fristen er rådet", "aktivitetar der fristen har gått ut, er rådet"),
    ("over fristen", "der fristen har gått ut"),
    ("Du klarer deg digitalt.", "Du klarer deg med digitale tenester."),
    ("Du er god digitalt.", "Du synest digitale tenester er lette å bruke."),
    ("ønske om korleis vi har kontakt.", "ønske om korleis vi skal ha kontakt."),
    ("arbeidsledige for kvar ledige jobb", "arbeidsledige per ledig jobb"),
    (
        "». Då får rettleiaren tid til fleire.",
        "» og tek mindre tid. Slik får rettleiaren tid til å hjelpe fleire.",
    ),
    (
        "Rådet følgjer av heile saka di, ikkje av éi enkelt opplysning.",
        "Rådet tek omsyn til heile saka di.",
    ),
    ("Desse opplysningane avgjer kva vi foreslår.", "Det som står over, avgjer kva vi foreslår."),
    (
        "men tek mykje av tida til rettleiaren.",
        "men tek mykje av tida til rettleiaren. Du kan be om meir oppfølging dersom du treng det.",
    ),
    ("» tek òg mindre tid enn", "» tek mindre tid enn"),
    ("Modellen ser ikkje skilnad på", "Modellen ser ikkje forskjell på"),
    (
        "Rett det, og spør på nytt. Brukaren kan vere ueinig.",
        "Rett det, og be om råd på nytt. Er brukaren ueinig?",
    ),
    ("skrive til oss i dialogen, eller ringje", "skrive til oss i dialogen eller ringje"),
    ("seier at brukaren treng hjelp", "viser at brukaren treng hjelp"),
    ("Digitale ferdigheiter er ikkje oppgitt.", "Digitale ferdigheiter er ikkje oppgitte."),
    ("Ulesne meldingar er ikkje oppgitt.", "Ulesne meldingar er ikkje oppgitte."),
    ("Målet i planen er med eigne ord", "Har skrive målet med eigne ord"),
    ("Målet i planen er ikkje med eigne ord", "Har ikkje skrive målet med eigne ord"),
    ("Får stønad frå ungdomsprogrammet", "Får ungdomsprogramyting"),
    ("Rettleiaren svarer deg", "Vi beklagar at du har måtta vente. Rettleiaren svarer deg"),
    ("Sørg for at ein tolk for teiknspråk er med.", "Sørg for teiknspråktolk til samtalane."),
    ("Sørg for at ein tolk er med.", "Sørg for tolk til samtalane."),
    ("På kontoret møtest begge ansikt til ansikt.", "Eit møte på kontoret er ansikt til ansikt."),
    ("I gruppemøtet møtest alle ansikt til ansikt.", "Eit gruppemøte er ansikt til ansikt."),
    ("Videosamtalen er vanskeleg å bruke utan", "Ein videosamtale er vanskeleg å få til utan"),
    ("På kontoret treng ingen datamaskin.", "Eit møte på kontoret krev ikkje datamaskin."),
    ("I gruppemøtet treng ingen datamaskin.", "Eit gruppemøte krev ikkje datamaskin."),
    ("ikkje det som ein videosamtale krev.", "ikkje det ein videosamtale krev."),
    ("Videosamtalen krev innlogging", "Ein videosamtale krev innlogging"),
    ("så møtet bør vere eit ønske eller eit behov.", "så møtet bør vere ønskt eller nødvendig."),
)
_ENGLISH = (
    ("your activity plan once.", "your activity plan once, after five weeks."),
    ("the activity plan once.", "the activity plan once, after five weeks."),
    ("The model cannot tell “", "With time counted, “"),
    ("” apart. Choose together", "” look equal. Choose together"),
    ("”. Then the adviser has time", "”. It takes less time, so the adviser has time"),
    (
        "looks about as good for you. Tell your adviser",
        "may suit you just as well. Tell your adviser",
    ),
    (
        "for six months in the last year, but also that you stopped before that.",
        "for at least six months in the last year. "
        "It also says that you have been out of work for more than six months.",
    ),
    (
        "six months of work in the last year, but also that the user stopped before that.",
        "at least six months of work in the last year. "
        "It also says that the user has been out of work for more than six months.",
    ),
    (
        "The advice follows from your case as a whole, not from one single fact.",
        "The advice takes your case as a whole into account.",
    ),
    ("These facts decide what we suggest.", "What stands above decides what we suggest."),
    (
        "but takes much of the adviser's time.",
        "but takes much of the adviser's time. You can ask for more follow-up if you need it.",
    ),
    ("” also takes less time than", "” takes less time than"),
    (
        "Your adviser will reply to you",
        "We are sorry that you have had to wait. Your adviser will reply to you",
    ),
    ("(the decision) to ", "(the day of the decision) to "),
    (" (today)", " (today), each in whatever time zone"),
    # A value with a comma inside read as two.
    (
        "good opportunities, needs guidance, needs guidance, reduced work capacity, "
        "work part-time or partly, small opportunity for work, not assessed",
        "good opportunities; needs guidance; needs guidance, reduced work capacity; "
        "work part-time or partly; small opportunity for work; not assessed",
    ),
)
REWORDED = (*_BOKMAL, *_NYNORSK, *_ENGLISH)
"""Wordings of 0.3.0, and today's in their place. A longer one stands before what it holds."""


def as_worded_today(outcome: Outcome) -> Outcome:
    """Gives what a call came to, in today's words."""
    return Outcome(
        answers=_reworded(outcome.answers),
        code=outcome.code,
        message=_reworded(outcome.message),
        details=_reworded(outcome.details),
    )


def _reworded(content: Any) -> Any:
    if isinstance(content, dict):
        found = {name: _reworded(value) for name, value in content.items()}
        return found | {"text": _letter(found)} if "reasons" in found else found
    if isinstance(content, list):
        return [_reworded(value) for value in content]
    if not isinstance(content, str):
        return content
    for before, now in REWORDED:
        content = content.replace(before, now)
    return content


def _letter(answer: dict[str, Any]) -> str:
    """Gives an answer's letter as it is put together today, from its sentences in today's words.

    What helps most on average is told against what, a mix just compared with is offered without
    saying again that it is as good, and what leads to the same advice stands in one paragraph.
    """
    text: str = answer["text"]
    for words in load_texts().values():
        for reader in Reader:
            if words.entries[reader.value]["notice"]["decides"] in text:
                return _put_together(text, answer, words, reader)
    return text


def _put_together(text: str, answer: dict[str, Any], words: Texts, reader: Reader) -> str:
    reasons = [one for one in answer["reasons"] if not one["code"].startswith("SAFEGUARD.")]
    named = {one["compared_with"] for one in reasons if one["code"] == "MINUTES"}
    average = words.entries["user"]["general"]["AVERAGE"]
    for one in reasons if reader is Reader.USER else []:
        other, last = one.get("compared_with", ""), reasons[-1]["text"]
        compared = words.compared(Reader.USER, other)
        # In English both readers were told alike.
        text = text.replace(words.compared(Reader.ADVISER, other), compared)
        if other in named:
            text = text.replace(f"\n\n{compared}", "")
        elif one["text"] == average and compared not in text:
            text = text.replace(last, f"{last}\n\n{compared}")

    near = answer.get("near_equal_mix", "")
    if near in named:
        as_good = words.near_equal(Reader.USER, answer["mix"]["id"], near)
        text = text.replace(as_good, words.rather(near))

    match answer.get("changes"):
        case [first, second] if first["mix_id"] == second["mix_id"]:
            advice = words.entries["advice"]
            mix = advice["mix"].format(mix=words.mix(first["mix_id"]))
            same = second["text"].replace(mix, advice["same"])
            text = text.replace(f"{first['text']}\n\n{second['text']}", f"{first['text']} {same}")
    return text
