//! Names as they are common in East Africa, put together by chance: whoever bears one of them is not meant.

use crate::demo::dice::Dice;

const WOMEN: &str = "Achieng, Adhiambo, Aisha, Akinyi, Amina, Anyango, Atieno, Awuor, Chebet, Chelagat, Cherono, Esther, \
     Fatuma, Gathoni, Jebet, Jerop, Kanini, Kavata, Khadija, Mbithe, Mercy, Moraa, Mueni, Muthoni, Mwende, Nafula, Nasimiyu, \
     Ndinda, Nekesa, Njeri, Nyambura, Nyokabi, Rehema, Ruth, Syombua, Wairimu, Wambui, Wangari, Wanjiru, Zawadi";

const MEN: &str = "Baraka, Barasa, Daudi, Gitau, Hamisi, Ibrahim, Juma, Kamau, Karanja, Kibet, Kimani, Kioko, Kipchumba, \
     Kiprono, Kyalo, Makau, Mumo, Musa, Mutiso, Mwangi, Ngugi, Njoroge, Ochieng, Odhiambo, Okello, Omar, Omondi, Onyango, \
     Salim, Simiyu, Wafula, Wanyama";

const FAMILIES: &str = "Abdalla, Auma, Barasa, Bett, Cheruiyot, Gichuru, Githinji, Kamau, Kariuki, Kerubo, Kilonzo, Kimeu, \
     Kiplagat, Kirui, Koech, Lagat, Macharia, Maina, Makokha, Mbugua, Mogaka, Mulwa, Munyao, Muriuki, Musyoka, Mutua, \
     Mwangangi, Mwangi, Mwinyi, Ndungu, Ngari, Nyaga, Nyongesa, Nzioka, Ochola, Odera, Odongo, Ogola, Okoth, Olando, Ombati, \
     Opiyo, Otieno, Owino, Rotich, Said, Wekesa, Were";

const PURPOSES: &str = "Amani, Bidii, Faida, Furaha, Imani, Jitegemee, Juhudi, Maendeleo, Mwangaza, Neema, Tujenge, \
     Tumaini, Tuungane, Umoja, Upendo, Ushindi";

const FORMS: &str =
    "Women's Group, Traders, Farmers' Group, Youth Group, Boda Boda Riders, Dairy Group, Tailors, Market Stalls";

/// A given name and a family name.
pub fn person(dice: &mut Dice, is_woman: bool) -> (&'static str, &'static str) {
    let given = one_of(if is_woman { WOMEN } else { MEN }, dice);
    (given, one_of(FAMILIES, dice))
}

pub fn organisation(dice: &mut Dice) -> String {
    format!("{} {}", one_of(PURPOSES, dice), one_of(FORMS, dice))
}

fn one_of(list: &'static str, dice: &mut Dice) -> &'static str {
    let names: Vec<&str> = list.split(", ").collect();
    dice.pick(&names)
}
